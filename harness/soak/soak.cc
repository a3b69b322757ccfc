#include "harness/soak/soak.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/cluster/lease.h"
#include "harness/fault/inject.h"
#include "harness/fault/peers.h"
#include "harness/guard/protocol.h"
#include "harness/observe/state.h"
#include "harness/observe/unit_state.h"
#include "harness/soak/run_and_kill.h"

namespace harness::soak {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kAsk{20};
constexpr seconds kEnd{60};
// A snapshot is twenty questions; an emulated machine takes a second or two for each.
constexpr minutes kLook{3};
// Longer than a lease and than a fault with its undo timer take to be over by themselves.
constexpr seconds kByItself{50};
constexpr minutes kHealed{4};
constexpr milliseconds kPeriod{300};
constexpr milliseconds kBeat{1000};
// What a fault may take of a machine that others work on, too.
constexpr std::int64_t kTakeMb = 500;

Result<std::int64_t> available_mb(cluster::Node& node) {
  TRY_ASSIGN(
      const std::string text, node.read_file("/proc/meminfo", Deadline::after(kAsk)), "memory");
  const std::size_t at = text.find("MemAvailable:");
  return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + 13) / 1024;
}

}  // namespace

Soak::Soak(const cluster::Cluster& cluster, cluster::Node& node, Target target, Snapshot before)
    : cluster_(cluster),
      node_(node),
      access_(cluster.name(), cluster.nodes()),
      target_(std::move(target)),
      before_(std::move(before)) {}

Result<Soak> Soak::begin(const cluster::Cluster& cluster, Target target) {
  TRY_ASSIGN(cluster::Node * node, cluster.first_server(), "soak");
  const Json clean = observe::clean_state(*node, cluster.name(), Deadline::after(kAsk));
  if (!clean.contains("left")) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}: {}", node->name(), json_string(clean, "error")));
  }
  if (clean["left"] != Json::array()) {
    return fail(ErrorCode::refused,
                fmt::format("{} is not clean before the soak: {}; `hookshot heal` first",
                            node->name(),
                            clean.dump()));
  }
  auto before = take_snapshot(*node, cluster.name(), Deadline::after(kLook));
  if (!before) {
    return fail(ErrorCode::remote_failed, "look at the node: " + before.error().message());
  }
  return Soak(cluster, *node, std::move(target), *std::move(before));
}

// A program that was killed leaves its lease, and the next one would be refused before it did
// anything.
Status Soak::await_lease() {
  return eventually(
      "no lease is left", Deadline::after(kHealed), kPeriod, [&]() -> Result<Observation> {
        auto lease = cluster::Lease::acquire(node_,
                                             {.cluster = cluster_.name(),
                                              .holder = cluster::default_holder(),
                                              .epoch = fmt::format("soak-{}", wall_now_us())},
                                             Deadline::after(kAsk));
        if (!lease) {
          return Observation{.done = false, .seen = lease.error().message()};
        }
        TRY((*lease)->release(Deadline::after(kAsk)), "release");
        return Observation{.done = true, .seen = {}};
      });
}

Result<std::string> Soak::by_program(const Round& round) {
  TRY(await_lease(), "lease");
  std::vector<std::string> words = {target_.hookshot,
                                    "fault",
                                    "inject",
                                    round.drawn.fault,
                                    "--node",
                                    node_.name(),
                                    "-i",
                                    target_.inventory};
  if (target_.may_fill_root) {
    words.emplace_back("--allow-root-fill");
  }
  for (const auto& [name, value] : round.drawn.params) {
    words.push_back(name + "=" + value);
  }
  return run_and_kill(
      words, fmt::format(": {}", to_string(round.drawn.step)), Deadline::after(kHealed));
}

Result<std::string> Soak::by_library(Round& round) {
  TRY_ASSIGN(
      const fault::Fault made, fault::make_fault(round.drawn.fault, round.drawn.params), "fault");
  fault::ArmRequest request{.id = fmt::format("soak-{}-{}", wall_now_us(), round.number),
                            .run = "soak",
                            .case_name = "soak",
                            .cluster = cluster_.name(),
                            .ttl = seconds(1),  // the least that the fault allows
                            .may_fill_root = target_.may_fill_root};
  if (round.drawn.mishap == Mishap::undone_first) {
    event::WindowDef never;
    never.name = "never";
    TRY_ASSIGN(const event::Marker line,
               event::marker_from_json({{"log", "this line is never written"}}),
               "window");
    never.open = {line};
    never.close = {line};
    request.trigger.window = never;
  }
  auto peers = fault::peer_addresses(access_, node_, made, Deadline::after(kAsk));
  if (!peers) {
    return "refused: " + peers.error().message();
  }
  request.addresses = *std::move(peers);
  const fault::Heartbeat heartbeat({&node_}, cluster_.name(), kBeat);
  if (const Status armed = fault::arm(node_, made, request, Deadline::after(kAsk)); !armed) {
    return "refused: " + armed.error().message();
  }
  if (round.drawn.mishap == Mishap::undone_first) {
    TRY(mishap(round, request.id), to_string(round.drawn.mishap));
    return std::string("undone first");
  }
  const auto outcome = fault::await(node_, cluster_.name(), request.id, {}, Deadline::after(kEnd));
  TRY(outcome, "await " + request.id);
  // At any moment of the fault, not at its first.
  static_cast<void>(paced(milliseconds(round.drawn.after_ms), {}));
  TRY(mishap(round, request.id), to_string(round.drawn.mishap));
  const bool stands = outcome->outcome == "applied" && made.action.contains("hold_ms");
  if (stands && round.drawn.mishap == Mishap::none) {
    const Status undone =
        fault::await_undone(node_, cluster_.name(), request.id, Deadline::after(kHealed));
    if (!undone) {
      round.leaks.push_back("the node's own undo: " + undone.error().message());
    }
  } else if (!stands && node_.connected()) {
    static_cast<void>(fault::heal({&node_}, cluster_.name(), "", {}, Deadline::after(kHealed)));
  }
  return outcome->outcome + (outcome->reason.empty() ? std::string() : ": " + outcome->reason);
}

Status Soak::mishap(Round& round, const std::string& id) {
  const auto on_node = [&](std::vector<std::string> argv) -> Status {
    TRY(node_.run({.argv = std::move(argv)}, Deadline::after(kAsk)), "on the node");
    return {};
  };
  switch (round.drawn.mishap) {
    case Mishap::undone_twice:
    case Mishap::undone_first: {
      const auto report = fault::heal({&node_}, cluster_.name(), "", {}, Deadline::after(kHealed));
      std::ranges::copy(report.dirty, std::back_inserter(round.leaks));
      return {};
    }
    case Mishap::trigger_killed:
      return on_node(
          {"systemctl", "kill", "-s", "KILL", fmt::format("hookshot-trig-{}.service", id)});
    case Mishap::service_restarted:
      return on_node({"systemctl", "restart", "--no-block", node_.unit()});
    case Mishap::rebooted:
      return reboot();
    case Mishap::none:
    case Mishap::controller_killed:
      break;
  }
  return {};
}

Status Soak::reboot() {
  TRY_ASSIGN(
      const std::string before, observe::read_boot_id(node_, Deadline::after(kAsk)), "boot id");
  static_cast<void>(node_.run({.argv = {"systemctl", "reboot"}}, Deadline::after(kAsk)));
  return eventually(
      node_.name() + " is in another boot",
      Deadline::after(kHealed),
      kPeriod,
      [&]() -> Result<Observation> {
        if (const Status back = cluster::connect_again(node_, Deadline::after(kHealed)); !back) {
          return Observation{.done = false, .seen = back.error().message()};
        }
        const auto now = observe::read_boot_id(node_, Deadline::after(kAsk));
        return Observation{.done = now && *now != before,
                           .seen = now ? "boot " + *now : now.error().message()};
      });
}

bool Soak::written_anew() {
  const auto lines =
      node_.guard("status", Json{{"cluster", cluster_.name()}}, Deadline::after(kAsk));
  Json last;
  for (const Json& line : lines ? *lines : std::vector<Json>()) {
    const auto armed = [](const Json& record) {
      return json_int(json_object(record, "armed"), "wall_us");
    };
    if (json_string(line, "type") == "record" && armed(line) > armed(last)) {
      last = line;
    }
  }
  return json_string(last, "released").find(guard::kWrittenAnew) != std::string::npos;
}

Result<std::vector<std::string>> Soak::left(Mishap mishap) {
  std::vector<std::string> last;
  std::string late;
  bool healed = false;
  const Deadline by_itself = Deadline::after(kByItself);
  const auto look = [&]() -> Result<Observation> {
    if (const Status back = cluster::connect_again(node_, Deadline::after(kHealed)); !back) {
      last = {back.error().message()};
      return Observation{.done = false, .seen = last.front()};
    }
    const Json clean = observe::clean_state(node_, cluster_.name(), Deadline::after(kAsk));
    const Json what = clean.value("left", Json());
    if (what != Json::array()) {
      last = {"armed or running: " + clean.dump()};
      if (by_itself.passed() && !healed) {
        healed = true;
        // An undo that a shutdown cut off ends in quarantine: that is lifted by us, and by design.
        const bool lifted_by_us = mishap == Mishap::rebooted && what == Json::array({"quarantine"});
        late = lifted_by_us ? "" : "not undone by itself: " + what.dump();
        static_cast<void>(fault::heal({&node_}, cluster_.name(), "", {}, Deadline::after(kEnd)));
      }
      return Observation{.done = false, .seen = last.front()};
    }
    const auto after = take_snapshot(node_, cluster_.name(), Deadline::after(kLook));
    if (after && mishap == Mishap::rebooted) {
      take_over_clock(before_, *after);
    }
    last = after ? differences(before_, *after) : std::vector{after.error().message()};
    if (after && !last.empty() && written_anew()) {
      take_over_files(before_, *after);
      last = differences(before_, *after);
    }
    return Observation{.done = last.empty(), .seen = fmt::format("{}", fmt::join(last, "; "))};
  };
  static_cast<void>(
      eventually(node_.name() + " is as it was", Deadline::after(kHealed), kPeriod, look));
  if (!late.empty()) {
    last.push_back(late);
  }
  return last;
}

Status Soak::round(Round& round) {
  if (round.drawn.params.contains("leave")) {
    TRY_ASSIGN(const std::int64_t available, available_mb(node_), "memory");
    round.drawn.params["leave"] = std::to_string(std::max<std::int64_t>(available - kTakeMb, 16));
  }
  // A lab resolves no name; another node's sshd answers in a registry's stead.
  for (const cluster::Node* other : cluster_.nodes()) {
    if (other != &node_ && round.drawn.params.contains("registry")) {
      round.drawn.params["registry"] = other->address() + ":22";
    }
  }
  TRY_ASSIGN(
      round.outcome,
      round.drawn.mishap == Mishap::controller_killed ? by_program(round) : by_library(round),
      round.drawn.fault);
  TRY_ASSIGN(
      const std::vector<std::string> after, left(round.drawn.mishap), "look at what is left");
  std::ranges::copy(after, std::back_inserter(round.leaks));
  return {};
}

Result<Soaked> Soak::play(Draw draw,
                          const Limits& limits,
                          const std::function<void(const Round&)>& tell,
                          const std::stop_token& stop) {
  Soaked out;
  const Deadline deadline = Deadline::after(limits.time);
  while (static_cast<int>(out.rounds.size()) < limits.rounds && !deadline.passed() &&
         !stop.stop_requested()) {
    Round next{.number = static_cast<int>(out.rounds.size()) + 1, .drawn = draw.next()};
    const auto began = std::chrono::steady_clock::now();
    TRY(round(next),
        fmt::format("round {} ({}, {})", next.number, next.drawn.fault, next.drawn.mishap_text()));
    next.took_ms =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began).count();
    tell(next);
    out.rounds.push_back(std::move(next));
    if (!out.rounds.back().leaks.empty()) {
      break;
    }
  }
  return out;
}

}  // namespace harness::soak
