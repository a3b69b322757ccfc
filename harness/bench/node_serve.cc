#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "harness/bench/node_loop.h"
#include "harness/bench/node_scene.h"
#include "harness/bench/node_side.h"
#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kReadyLimit{10};
constexpr std::chrono::seconds kToolLimit{20};
constexpr std::int64_t kStepUs = 1000;

// The wall clock's lead over the monotonic one, from the closest of a few pairs of readings.
std::int64_t wall_lead_us() {
  std::int64_t lead = 0;
  std::int64_t closest = INT64_MAX;
  for (int i = 0; i < 5; ++i) {
    const std::int64_t before = guard::now().mono_us;
    const guard::Now pair = guard::now();
    if (pair.mono_us - before < closest) {
      closest = pair.mono_us - before;
      lead = pair.wall_us - pair.mono_us;
    }
  }
  return lead;
}

class Server {
 public:
  Result<Json> answer(const Json& request);

 private:
  Status probe();
  Status start_loop();
  Result<Json> go(std::int64_t delay_us, std::chrono::milliseconds limit);
  Result<guard::Now> await_end(const Deadline& deadline, std::int64_t& written_us);

  Scene scene_;
  ShellLoop loop_;
};

Status Server::probe() {
  TRY(scene_.order({"probe", scene_.trial(), 0}), "probe");
  TRY(scene_.answer("probed", Deadline::after(kReadyLimit)), "probe");
  return {};
}

// Ready when it has answered a line that was written after it began to follow.
Status Server::start_loop() {
  const Deadline deadline = Deadline::after(kReadyLimit);
  TRY(loop_.start(scene_, deadline), "start the shell loop");
  TRY(probe(), "start the shell loop");
  TRY(loop_.answer("seen", deadline), "start the shell loop");
  return {};
}

// The victim's end and the logger's stamp, whichever comes first. A mono_us of 0: it lives on.
Result<guard::Now> Server::await_end(const Deadline& deadline, std::int64_t& written_us) {
  guard::Now effect;
  while (!deadline.passed() && (effect.mono_us == 0 || written_us == 0)) {
    pollfd watched[2] = {{effect.mono_us == 0 ? scene_.victim_pidfd() : -1, POLLIN, 0},
                         {written_us == 0 ? scene_.back() : -1, POLLIN, 0}};
    static_cast<void>(::poll(watched, 2, static_cast<int>(deadline.left().count())));
    if (watched[0].revents != 0) {
      effect = guard::now();
    }
    if (watched[1].revents != 0) {
      TRY_ASSIGN(const Note wrote, scene_.answer("wrote", deadline), "marker");
      written_us = wrote.us;
    }
  }
  if (written_us == 0) {
    return fail(ErrorCode::timed_out, "the logger did not say that it wrote the marker");
  }
  return effect;
}

Result<Json> Server::go(std::int64_t delay_us, std::chrono::milliseconds limit) {
  const std::int64_t lead_before = wall_lead_us();
  TRY(scene_.order({"go", scene_.trial(), delay_us}), "go");
  std::int64_t written_us = 0;
  TRY_ASSIGN(const guard::Now effect,
             await_end(Deadline::after(Microseconds(delay_us) + limit), written_us),
             "go");
  const std::int64_t lead_us = wall_lead_us();
  Json out{
      {"died", effect.mono_us != 0}, {"written_us", written_us}, {"effect_us", effect.mono_us}};
  if (loop_.runs() && effect.mono_us != 0) {
    TRY_ASSIGN(const Note killed, loop_.answer("killed", Deadline::after(kReadyLimit)), "go");
    out["action_us"] = killed.us - lead_us;
  }
  TRY_ASSIGN(const guard::Finished printed,
             guard::spawn({"journalctl",
                           "--no-pager",
                           "--output=json",
                           "--output-fields=MESSAGE",
                           "--lines=20",
                           fmt::format("--unit={}", kUnit)},
                          kToolLimit),
             "journal");
  const auto stamp = journal_stamp(printed.out, message_of("marker", scene_.run(), scene_.trial()));
  if (!stamp) {
    return fail(ErrorCode::remote_failed, "the marker is not in the journal: " + printed.err);
  }
  out["marker_us"] = stamp->mono_us;
  if (std::abs(lead_us - lead_before) > kStepUs) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the node's wall clock was moved by {} us during the trial, and the "
                            "shell loop has no other",
                            lead_us - lead_before));
  }
  return out;
}

// The guard that runs this verb; the newest, if there are several.
Result<Json> usage(const std::string& verb) {
  const std::string wanted = std::string(guard::kGuardPath) + '\0' + verb + '\0';
  int pid = 0;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator("/proc", ignored)) {
    const int one = std::atoi(item.path().filename().c_str());
    if (one > pid && guard::read_whole(item.path() / "cmdline").value_or("").starts_with(wanted)) {
      pid = one;
    }
  }
  if (pid == 0) {
    return fail(ErrorCode::remote_failed, fmt::format("no process runs guard {}", verb));
  }
  const std::string proc = fmt::format("/proc/{}", pid);
  TRY_ASSIGN(std::string stat, guard::read_whole(proc + "/stat"), "guard " + verb);
  TRY_ASSIGN(std::string status, guard::read_whole(proc + "/status"), "guard " + verb);
  return Json{{"pid", pid},
              {"stat", std::move(stat)},
              {"status", std::move(status)},
              {"mono_us", guard::now().mono_us},
              {"ticks_per_second", sysconf(_SC_CLK_TCK)}};
}

Json machine() {
  double load = 0;
  static_cast<void>(getloadavg(&load, 1));
  return {{"cpus", sysconf(_SC_NPROCESSORS_ONLN)}, {"load", load}};
}

Result<Json> Server::answer(const Json& request) {
  const std::string op = json_string(request, "op");
  if (op == "victim") {
    TRY_ASSIGN(const int pid, scene_.make_victim(), op);
    return Json{{"pid", pid}};
  }
  if (op == "container") {
    TRY_ASSIGN(const int pid, scene_.make_container(json_string(request, "data_dir")), op);
    return Json{{"pid", pid}};
  }
  if (op == "go") {
    return go(json_int(request, "delay_us"),
              std::chrono::milliseconds(json_int(request, "limit_ms")));
  }
  if (op == "usage") {
    return usage(json_string(request, "verb"));
  }
  if (op == "machine") {
    return machine();
  }
  if (op == "setup") {
    TRY(scene_.set_up(json_string(request, "run")), op);
  } else if (op == "begin") {
    TRY(scene_.begin(static_cast<int>(json_int(request, "trial"))), op);
  } else if (op == "probe") {
    TRY(probe(), op);
  } else if (op == "loop") {
    TRY(start_loop(), op);
  } else if (op == "end") {
    loop_.end();
    TRY(scene_.end(), op);
  } else {
    return fail(ErrorCode::invalid_input, "there is no op '" + op + "'");
  }
  return Json::object();
}

}  // namespace

int run_serve() {
  {
    Server server;
    bool heard = true;
    for (std::string line; heard && std::getline(std::cin, line);) {
      const auto request = parse_json(line);
      auto answer = request ? server.answer(*request) : Result<Json>(fail(request.error()));
      Json out = answer ? *std::move(answer) : Json{{"error", answer.error().message()}};
      out["seq"] = request ? json_int(*request, "seq") : 0;
      heard = guard::emit(out);
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(std::string(kProgramDir), ignored);
  return 0;
}

}  // namespace harness::bench
