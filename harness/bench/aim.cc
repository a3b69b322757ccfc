#include "harness/bench/aim.h"

#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/bench/node_side.h"
#include "harness/guard/protocol.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kStepLimit{30};
constexpr std::chrono::milliseconds kTrialLimit{3000};
constexpr std::chrono::milliseconds kStatusPeriod{20};
// Random, so that no way is always at the same place of journald's 250 ms between change notices.
constexpr std::int64_t kShortestDelayUs = 200'000;
constexpr std::int64_t kLongestDelayUs = 450'000;

struct Trial {
  bool hit = false;
  std::int64_t marker_us = 0;
  std::int64_t action_us = 0;
  std::int64_t effect_us = 0;
  std::int64_t seen_us = 0;  // the effect, as the node-side program saw it
  std::string why;
};

Deadline step() {
  return Deadline::after(kStepLimit);
}

std::string marker_of(int number) {
  return fmt::format("{}, trial {}", kMarker, number);
}

Json record_of(const Bench& bench,
               const std::string& id,
               std::string_view unit,
               const std::string& marker,
               Json action) {
  return {{"id", id},
          {"run", bench.run},
          {"case", "bench aim"},
          {"cluster", bench.cluster},
          {"unit", unit},
          {"data_dir", bench.node.data_dir()},
          {"fault", "kill-pod"},
          {"params", Json::object()},
          {"action", std::move(action)},
          {"undo", Json::array()},
          {"trigger",
           {{"window", "bench"},
            {"open", {{{"log", marker}}}},
            {"close", {{{"log", "Hookshot bench window closes"}}}},
            {"offset_us", 0},
            {"any_invocation", false}}},
          {"ttl_ms", 180'000},
          {"lease_ms", 120'000}};
}

Result<Json> ended_record(const Bench& bench, const std::string& id) {
  Json record;
  TRY(eventually("the trigger's record has an end",
                 Deadline::after(kTrialLimit),
                 kStatusPeriod,
                 [&]() -> Result<Observation> {
                   TRY_ASSIGN(const auto lines,
                              bench.node.guard("status", {{"cluster", bench.cluster}}, step()),
                              "status");
                   for (const Json& line : lines) {
                     record = json_string(line, "id") == id ? line : record;
                   }
                   return Observation{.done = !json_string(record, "outcome").empty(),
                                      .seen = json_string(record, "state")};
                 },
                 {}),
      "guard");
  return record;
}

Status revert(const Bench& bench, const std::string& id) {
  TRY(bench.node.guard("revert", {{"cluster", bench.cluster}, {"id", id}}, step()), "revert");
  return {};
}

Trial trial_from(const Json& seen) {
  return {.hit = json_bool(seen, "died"),
          .marker_us = json_int(seen, "marker_us"),
          .action_us = json_int(seen, "action_us"),
          .effect_us = json_int(seen, "effect_us"),
          .seen_us = json_int(seen, "effect_us"),
          .why = "the victim outlived the limit"};
}

Json go(int number, std::int64_t delay_us) {
  return {
      {"op", "go"}, {"trial", number}, {"delay_us", delay_us}, {"limit_ms", kTrialLimit.count()}};
}

Result<Trial> by_guard(const Bench& bench, int number, std::int64_t delay_us, std::int64_t victim) {
  const std::string id = fmt::format("{}-{}", bench.run, number);
  const Json record = record_of(
      bench, id, kUnit, marker_of(number), {{"do", "kill"}, {"pod", kPod}, {"how", "process"}});
  TRY(bench.node.guard("arm", record, step()), "arm");
  TRY(bench.side.ask({{"op", "begin"}}, step()), "begin");
  TRY_ASSIGN(const Json seen, bench.side.ask(go(number, delay_us), step()), "go");
  Trial trial = trial_from(seen);
  auto ended = ended_record(bench, id);
  TRY(revert(bench, id), id);
  if (!ended && ended.error().code() != ErrorCode::timed_out) {
    return fail(std::move(ended).error());
  }
  if (!ended || json_string(*ended, "outcome") != "applied") {
    trial.hit = false;
    trial.why = ended ? json_string(*ended, "reason") : ended.error().message();
    return trial;
  }
  const Json evidence = ended->value("evidence", Json::object());
  if (json_int(evidence, "pid") != victim) {
    return fail(ErrorCode::internal,
                fmt::format("the guard killed process {} and not the victim {}: {}",
                            json_int(evidence, "pid"),
                            victim,
                            json_string(evidence, "summary")));
  }
  trial.action_us = json_int(ended->value("begun", Json::object()), "mono_us");
  trial.effect_us = json_int(ended->value("effect", Json::object()), "mono_us");
  return trial;
}

Result<Trial> by_loop(const Bench& bench, int number, std::int64_t delay_us) {
  TRY(bench.side.ask({{"op", "begin"}}, step()), "begin");
  TRY(bench.side.ask({{"op", "loop"}}, step()), "loop");
  TRY_ASSIGN(const Json seen, bench.side.ask(go(number, delay_us), step()), "go");
  return trial_from(seen);
}

// Reads until the marker; false when the time is over first.
Result<bool> heard(ssh::LineChannel& lines, const std::string& marker, Deadline deadline) {
  while (true) {
    TRY_ASSIGN(const std::optional<std::string> line, lines.next_line(deadline), "journalctl");
    if (!line || line->find(marker) != std::string::npos) {
      return line.has_value();
    }
  }
}

Result<Trial> by_ssh(const Bench& bench, int number, std::int64_t delay_us, std::int64_t victim) {
  const std::string follow = fmt::format("{}journalctl -f -n 1 -o cat -u {}", bench.sudo, kUnit);
  const std::string strike = fmt::format("{}{} strike", bench.sudo, kProgram);
  TRY(bench.side.ask({{"op", "begin"}}, step()), "begin");
  TRY_ASSIGN(const auto lines, bench.session.start(follow, "", step()), "follow");
  TRY_ASSIGN(const auto first, lines->next_line(step()), "follow");
  if (!first) {
    return fail(ErrorCode::timed_out, "follow: journalctl over SSH printed nothing in time");
  }
  TRY(bench.side.send(go(number, delay_us), step()), "go");
  TRY_ASSIGN(
      const bool came,
      heard(*lines, marker_of(number), Deadline::after(Microseconds(delay_us) + kTrialLimit)),
      "follow");
  std::int64_t action_us = 0;
  if (came) {
    TRY_ASSIGN(const auto sent, bench.session.run(strike, std::to_string(victim), step()), "kill");
    action_us = std::atoll(sent.out.c_str());
    if (sent.exit_status == 2) {
      return fail(ErrorCode::remote_failed, "kill over SSH: " + sent.err);
    }
  }
  TRY_ASSIGN(const Json seen, bench.side.receive(step()), "go");
  Trial trial = trial_from(seen);
  trial.action_us = action_us;
  return trial;
}

Result<Trial> one(const Bench& bench, Way way, int number, std::int64_t delay_us) {
  TRY_ASSIGN(const Json victim, bench.side.ask({{"op", "victim"}}, step()), "victim");
  const std::int64_t pid = json_int(victim, "pid");
  auto trial = way == Way::guard        ? by_guard(bench, number, delay_us, pid)
               : way == Way::journalctl ? by_loop(bench, number, delay_us)
                                        : by_ssh(bench, number, delay_us, pid);
  TRY(trial, "");
  TRY(bench.side.ask({{"op", "end"}}, step()), "end");
  return trial;
}

void keep(Measured& measured, const Trial& trial) {
  if (!trial.hit) {
    ++measured.misses;
    measured.last_miss = trial.why;
    return;
  }
  measured.marker_to_action.add(trial.action_us - trial.marker_us);
  measured.action_to_effect.add(trial.effect_us - trial.action_us);
  measured.marker_to_effect.add(trial.seen_us - trial.marker_us);
}

Result<Usage> usage(const Bench& bench, const char* verb, std::int64_t& ticks_per_second) {
  TRY_ASSIGN(const Json said, bench.side.ask({{"op", "usage"}, {"verb", verb}}, step()), verb);
  ticks_per_second = json_int(said, "ticks_per_second", 100);
  return usage_from(
      json_string(said, "stat"), json_string(said, "status"), json_int(said, "mono_us"));
}

Result<std::vector<Share>> shares(const Bench& bench,
                                  cluster::LineStream& stream,
                                  const std::vector<const char*>& verbs,
                                  std::chrono::seconds span) {
  std::vector<Usage> before;
  std::vector<Share> out;
  std::int64_t ticks = 0;
  for (const char* verb : verbs) {
    TRY_ASSIGN(before.emplace_back(), usage(bench, verb, ticks), "usage");
  }
  for (const Deadline over = Deadline::after(span); !over.passed();) {
    TRY(stream.next(over), "watch");
  }
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    TRY_ASSIGN(const Usage after, usage(bench, verbs[i], ticks), "usage");
    out.push_back({.core = share_of_core(before[i], after, ticks),
                   .peak_kb = after.peak_kb,
                   .resident_kb = after.resident_kb});
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<NodeSide>> NodeSide::start(ssh::Session& session, const std::string& sudo) {
  const std::string command = fmt::format(
      "{}systemd-run --pipe --quiet --collect --unit={} {} serve", sudo, kVictim, kProgram);
  TRY_ASSIGN(auto lines, session.start(command, "", step()), "start the node's part");
  std::unique_ptr<NodeSide> side(new NodeSide(std::move(lines)));
  TRY(side->ask({{"op", "setup"}}, step()), "set the node up");
  return side;
}

Status NodeSide::send(const Json& request, Deadline deadline) {
  return lines_->write(request.dump() + "\n", deadline);
}

Result<Json> NodeSide::receive(Deadline deadline) {
  TRY_ASSIGN(const std::optional<std::string> line, lines_->next_line(deadline), "node");
  if (!line) {
    return fail(ErrorCode::timed_out, "the node's part gave no answer in time");
  }
  TRY_ASSIGN(Json answer, parse_json(*line), "node");
  if (const std::string problem = json_string(answer, "error"); !problem.empty()) {
    return fail(ErrorCode::remote_failed, problem);
  }
  return answer;
}

Result<Json> NodeSide::ask(const Json& request, Deadline deadline) {
  TRY(send(request, deadline), "node");
  return receive(deadline);
}

Result<GuardUsage> measure_usage(const Bench& bench, std::chrono::seconds span) {
  GuardUsage out;
  const std::string unit = bench.node.unit();
  TRY_ASSIGN(const auto stream,
             bench.node.guard_stream(
                 "watch",
                 {{"cluster", bench.cluster}, {"unit", unit}, {"data_dir", bench.node.data_dir()}},
                 step()),
             "watch");
  TRY(stream->next(step()), "watch");
  TRY_ASSIGN(const auto rest, shares(bench, *stream, {"watch"}, span), "at rest");
  out.rest = rest[0];
  const std::string id = bench.run + "-usage";
  TRY(bench.node.guard(
          "arm",
          record_of(bench, id, unit, std::string(kMarker) + ", never", {{"do", "none"}}),
          step()),
      "arm");
  TRY_ASSIGN(const auto armed, shares(bench, *stream, {"watch", "trigger"}, span), "armed");
  out.watch_armed = armed[0];
  out.trigger_armed = armed[1];
  TRY(revert(bench, id), id);
  return out;
}

Result<std::array<Measured, 3>> measure_aim(const Bench& bench,
                                            int trials,
                                            const Seed& seed,
                                            const std::function<void(int)>& progress) {
  std::array<Measured, 3> out;
  auto random = seed.stream("delay");
  std::uniform_int_distribution<std::int64_t> delay(kShortestDelayUs, kLongestDelayUs);
  for (int round = 0; round < trials; ++round) {
    for (int turn = 0; turn < 3; ++turn) {
      const int way = (round + turn) % 3;
      const int number = round * 3 + turn + 1;
      TRY_ASSIGN(const Trial trial,
                 one(bench, static_cast<Way>(way), number, delay(random)),
                 fmt::format("trial {} ({}) on {}", number, kWays[way], bench.node.name()));
      keep(out[way], trial);
    }
    progress(round + 1);
  }
  return out;
}

}  // namespace harness::bench
