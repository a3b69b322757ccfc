#include "harness/fault/injection.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/base/log.h"
#include "harness/cluster/facts.h"
#include "harness/guard/protocol.h"

namespace harness::fault {
namespace {

constexpr std::chrono::milliseconds kStatusPeriod{200};
constexpr std::chrono::seconds kHeartbeatLimit{5};
constexpr std::chrono::seconds kStatusLimit{10};
constexpr std::chrono::seconds kBeyondTheHold{30};

Json trigger_json(const Trigger& trigger) {
  Json json;
  if (trigger.at_word) {
    return {{"go", true}, {"window", trigger.window ? trigger.window->name : "none"}};
  }
  if (trigger.window) {
    json = {{"window", trigger.window->name},
            {"open", Json::array()},
            {"close", Json::array()},
            {"offset_us", trigger.offset.count()}};
    for (const event::Marker& marker : trigger.window->open) {
      json["open"].push_back(event::to_json(marker));
    }
    for (const event::Marker& marker : trigger.window->close) {
      json["close"].push_back(event::to_json(marker));
    }
  } else {
    json = {{"now", true}};
  }
  if (trigger.any_invocation) {
    json["any_invocation"] = true;
  }
  if (trigger.next_boot) {
    json["boot"] = "next";
  }
  return json;
}

const Json* find_line(const std::vector<Json>& lines, std::string_view type, std::string_view id) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const Json& line) {
    return json_string(line, "type") == type && json_string(line, "id") == id;
  });
  return found == lines.end() ? nullptr : &*found;
}

std::string evidence_of(const Json& record) {
  const auto evidence = record.find("evidence");
  return evidence == record.end() || !evidence->is_object() ? std::string()
                                                            : json_string(*evidence, "summary");
}

// "applied", "missed", "unsupported", "expired", or empty while the record is on its way.
std::string outcome_of(const Json& record) {
  const std::string said = json_string(record, "outcome");
  if (!said.empty()) {
    return said;
  }
  const std::string state = json_string(record, "state");
  if (state == "MISSED") {
    return "missed";
  }
  if (state == "EXPIRED") {
    return "expired";
  }
  return state == "APPLIED" ? "applied" : "";
}

// The time is the effect's, on the node's clock, as the stream would have given it.
Json fault_event(const cluster::Node& node, const Json& record) {
  Json event = record;
  event["type"] = "fault";
  event["node"] = node.name();
  for (const char* moment : {"armed", "seen", "begun", "effect", "reverted"}) {
    const auto stamp = record.find(moment);
    if (stamp != record.end() && stamp->is_object()) {
      event["wall_us"] = json_int(*stamp, "wall_us");
      event["mono_us"] = json_int(*stamp, "mono_us");
    }
  }
  return event;
}

Result<std::vector<Json>> ask_status(cluster::Node& node,
                                     const std::string& cluster,
                                     Deadline deadline) {
  TRY(cluster::connect_again(node, deadline), "connect to " + node.name());
  return node.guard("status", Json{{"cluster", cluster}}, deadline.at_most(kStatusLimit));
}

void heal_node(cluster::Node& node,
               const std::string& cluster,
               const std::string& run,
               HealReport& report,
               Deadline deadline) {
  const auto dirty = [&](const std::string& why) {
    report.dirty.push_back(node.name() + ": " + why);
  };
  Result<std::vector<Json>> lines = std::vector<Json>();
  const auto look = [&]() -> Result<Observation> {
    if (const Status back = cluster::connect_again(node, deadline); !back) {
      return Observation{.done = false, .seen = back.error().message()};
    }
    lines =
        node.guard("heal", Json{{"cluster", cluster}, {"run", run.empty() ? "*" : run}}, deadline);
    const bool cut_off = !lines && lines.error().code() == ErrorCode::unreachable;
    return Observation{.done = !cut_off, .seen = cut_off ? lines.error().message() : ""};
  };
  if (const Status asked = eventually("heal " + node.name(), deadline, kStatusPeriod, look);
      !asked) {
    dirty(asked.error().message() + "; its own timers undo what is armed there");
    return;
  }
  if (!lines) {
    dirty(lines.error().message());
    return;
  }
  for (const Json& line : *lines) {
    if (json_string(line, "type") != "healed") {
      continue;
    }
    HealedRecord record{.node = node.name(),
                        .id = json_string(line, "id"),
                        .state = json_string(line, "state"),
                        .summary = json_string(line, "summary")};
    if (record.state != "VERIFIED") {
      dirty(fmt::format("{} is {}: {}", record.id, record.state, record.summary));
    }
    report.records.push_back(std::move(record));
  }
}

}  // namespace

Status check_allowed(cluster::Node& node, const std::string& cluster, Deadline deadline) {
  TRY_ASSIGN(const cluster::NodeFacts facts,
             cluster::ask_facts(node, cluster, deadline),
             "ask " + node.name());
  if (facts.allow != cluster) {
    return fail(
        ErrorCode::refused,
        facts.allow.empty()
            ? fmt::format("{} is not marked as expendable; `hookshot allow` does that", node.name())
            : fmt::format(
                  "{} is marked for cluster {}, not for {}", node.name(), facts.allow, cluster));
  }
  if (facts.quarantine) {
    return fail(ErrorCode::refused,
                fmt::format("{} is in quarantine: a fault could not be undone there; `hookshot "
                            "heal` says which",
                            node.name()));
  }
  return {};
}

Status arm(cluster::Node& node, const Fault& fault, const ArmRequest& request, Deadline deadline) {
  Json action = fault.action;
  if (fault.needs.fills_disk) {
    action["may_fill_root"] = request.may_fill_root ? 1 : 0;
  }
  const std::chrono::milliseconds ttl = std::max(
      request.ttl, std::chrono::milliseconds(json_int(action, "hold_ms")) + kBeyondTheHold);
  if (fault.needs.peers != Needs::Peers::none) {
    if (request.addresses.empty()) {
      return fail(ErrorCode::refused,
                  fmt::format("{} on {}: cluster {} has no other node to cut it off from",
                              fault.describe(),
                              node.name(),
                              request.cluster));
    }
    action["addresses"] = request.addresses;
  }
  const Json record{{"id", request.id},
                    {"run", request.run},
                    {"case", request.case_name},
                    {"cluster", request.cluster},
                    {"unit", node.unit()},
                    {"data_dir", node.data_dir()},
                    {"fault", fault.name},
                    {"params", fault.params},
                    {"action", std::move(action)},
                    {"undo", fault.undo},
                    {"trigger", trigger_json(request.trigger)},
                    {"ttl_ms", ttl.count()},
                    {"lease_ms", request.lease.count()}};
  // The guard checks again; this way nothing odd leaves this machine.
  TRY(guard::arm_record_from_json(record), fault.describe());
  const std::string doing = fmt::format("arm {} on {}", fault.describe(), node.name());
  const bool connected = node.connected();
  const auto lines = node.guard("arm", record, deadline);
  // A reboot at once may take the connection before the answer. The next boot knows whether it was
  // ours.
  if (!lines && lines.error().code() == ErrorCode::unreachable && connected &&
      fault.needs.reboots && !request.trigger.window) {
    log::info("{}: {}", doing, lines.error().message());
    return {};
  }
  if (!lines) {
    return fail(lines.error(), doing);
  }
  if (find_line(*lines, "armed", request.id) == nullptr) {
    return fail(ErrorCode::remote_failed, doing + ": the guard did not confirm it");
  }
  return {};
}

Heartbeat::Heartbeat(const std::vector<cluster::Node*>& nodes,
                     const std::string& cluster,
                     std::chrono::milliseconds period) {
  for (cluster::Node* node : nodes) {
    threads_.emplace_back([node, cluster, period](const std::stop_token& stop) {
      do {
        if (!node->connected()) {
          continue;
        }
        auto beat = node->guard(
            "heartbeat", Json{{"cluster", cluster}, {"id", "*"}}, Deadline::after(kHeartbeatLimit));
        if (!beat) {
          log::debug("heartbeat of {}: {}", node->name(), beat.error().message());
        }
      } while (!paced(period, stop));
    });
  }
}

Heartbeat::~Heartbeat() {
  stop();
}

void Heartbeat::stop() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

Result<Outcome> await(cluster::Node& node,
                      const std::string& cluster,
                      const std::string& id,
                      const observe::Sink& sink,
                      Deadline deadline,
                      std::stop_token stop) {
  Outcome outcome;
  const auto look = [&]() -> Result<Observation> {
    auto lines = ask_status(node, cluster, deadline);
    // A node that goes down or comes up answers oddly for a moment.
    if (!lines && (lines.error().code() == ErrorCode::unreachable ||
                   lines.error().code() == ErrorCode::timed_out ||
                   lines.error().code() == ErrorCode::remote_failed)) {
      return Observation{.done = false, .seen = lines.error().message()};
    }
    if (!lines) {
      return fail(std::move(lines).error());
    }
    const Json* record = find_line(*lines, "record", id);
    if (record == nullptr) {
      return fail(ErrorCode::remote_failed, fmt::format("{} has no record {}", node.name(), id));
    }
    outcome = {.outcome = outcome_of(*record),
               .state = json_string(*record, "state"),
               .reason = json_string(*record, "reason"),
               .evidence = evidence_of(*record),
               .record = *record};
    return Observation{.done = !outcome.outcome.empty(),
                       .seen = fmt::format("{} {} {}", id, outcome.state, outcome.reason)};
  };
  TRY(eventually(fmt::format("{} on {} comes to an end", id, node.name()),
                 deadline,
                 kStatusPeriod,
                 look,
                 std::move(stop)),
      "await the fault");
  if (sink) {
    sink(fault_event(node, outcome.record));
  }
  if (outcome.outcome == "applied" && outcome.evidence.empty()) {
    return fail(ErrorCode::internal,
                fmt::format("{} on {} was applied without evidence: a defect of the harness, not a "
                            "result",
                            id,
                            node.name()));
  }
  return outcome;
}

Result<Outcome> await_window(cluster::Node& node,
                             const std::string& cluster,
                             const std::string& id,
                             const observe::Sink& sink,
                             Deadline deadline,
                             std::stop_token stop) {
  auto outcome = await(node, cluster, id, sink, deadline, std::move(stop));
  if (outcome || outcome.error().code() != ErrorCode::timed_out || !node.connected()) {
    return outcome;
  }
  const auto lines = ask_status(node, cluster, Deadline::after(kStatusLimit));
  const Json* record = lines ? find_line(*lines, "record", id) : nullptr;
  if (record == nullptr || json_string(*record, "state") != "ARMED") {
    return outcome;
  }
  Outcome missed{.outcome = "missed",
                 .state = "ARMED",
                 .reason = "the window never opened",
                 .evidence = {},
                 .record = *record};
  missed.record["outcome"] = missed.outcome;
  missed.record["reason"] = missed.reason;
  if (sink) {
    sink(fault_event(node, missed.record));
  }
  return missed;
}

Status await_undone(cluster::Node& node,
                    const std::string& cluster,
                    const std::string& id,
                    Deadline deadline,
                    std::stop_token stop) {
  const auto look = [&]() -> Result<Observation> {
    const auto lines = ask_status(node, cluster, deadline);
    if (!lines) {
      return Observation{.done = false, .seen = lines.error().message()};
    }
    const Json* record = find_line(*lines, "record", id);
    const std::string state = record == nullptr ? "gone" : json_string(*record, "state");
    if (state == "DIRTY") {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} on {} could not be undone", id, node.name()));
    }
    return Observation{.done = state == "VERIFIED", .seen = id + " is " + state};
  };
  return eventually(
      fmt::format("{} on {} is undone", id, node.name()), deadline, kStatusPeriod, look, stop);
}

HealReport heal(const std::vector<cluster::Node*>& nodes,
                const std::string& cluster,
                const std::string& run,
                const observe::Sink& sink,
                Deadline deadline) {
  HealReport report;
  for (cluster::Node* node : nodes) {
    const auto began = std::chrono::steady_clock::now();
    const std::size_t dirty_before = report.dirty.size();
    if (sink) {
      sink({{"type", "step.started"}, {"step", "heal"}, {"node", node->name()}});
    }
    heal_node(*node, cluster, run, report, deadline);
    if (sink) {
      const bool ok = report.dirty.size() == dirty_before;
      Json finished{
          {"type", "step.finished"},
          {"step", "heal"},
          {"node", node->name()},
          {"ok", ok},
          {"duration_us",
           std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - began)
               .count()}};
      if (!ok) {
        finished["error"] = report.dirty.back();
      }
      sink(std::move(finished));
    }
  }
  return report;
}

}  // namespace harness::fault
