#include "harness/fault/budget.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/observe/state.h"

namespace harness::fault {
namespace {

using observe::Access;

std::string why_sick(const Json& state) {
  if (!json_bool(state, "reachable")) {
    return json_string(state, "error", "does not answer");
  }
  if (!json_bool(state, "healthy")) {
    return "/health is not true";
  }
  return json_string(state, "leader_id", "0") == "0" ? "knows no leader" : "";
}

}  // namespace

Result<EtcdHealth> ask_etcd(const Access& access, Deadline deadline) {
  std::vector<Json> states;
  const Json* list = nullptr;
  std::string error = "the cluster has no server node";
  for (const auto& server : access.servers()) {
    states.push_back(observe::etcd_state(*server, 0, deadline));
  }
  for (const Json& state : states) {
    if (state.contains("members") && state.contains("alarms")) {
      list = &state;
      break;
    }
    error = json_string(state, "node") + ": " + json_string(state, "error", "does not answer");
  }
  if (list == nullptr) {
    return fail(ErrorCode::remote_failed, "no etcd member answers: " + error);
  }
  EtcdHealth health;
  for (const Json& alarm : (*list)["alarms"]) {
    health.alarms.push_back(alarm.get<std::string>());
  }
  for (const Json& member : (*list)["members"]) {
    if (json_bool(member, "is_learner")) {
      ++health.learners;
      continue;
    }
    ++health.voters;
    const std::string id = json_string(member, "id");
    const auto state = std::find_if(states.begin(), states.end(), [&](const Json& one) {
      return json_string(one, "member_id") == id;
    });
    if (state == states.end()) {
      health.unhealthy.push_back(json_string(member, "name") + ": does not answer");
      continue;
    }
    const std::string sick = why_sick(*state);
    const std::string node = json_string(*state, "node");
    if (sick.empty()) {
      health.healthy.push_back(node);
    } else {
      health.unhealthy.push_back(node + ": " + sick);
    }
  }
  return health;
}

Status check_budget(const Access& access,
                    const cluster::Node& target,
                    const Fault& fault,
                    const Budget& budget,
                    Deadline deadline) {
  if (fault.needs.harmless || !target.is_server()) {
    return {};
  }
  // A server that is taken down counts as a voter that may be lost, also where its etcd lives on.
  const int voters = std::max(fault.needs.etcd_voters, fault.needs.servers_down);
  if (voters > 0) {
    TRY_ASSIGN(const EtcdHealth etcd, ask_etcd(access, deadline), "check the damage budget");
    if (etcd.learners > 0 || !etcd.alarms.empty()) {
      return fail(ErrorCode::refused,
                  fmt::format("{} on {}: etcd has {} learners and {} alarms{}{}; wait until it has "
                              "none",
                              fault.describe(),
                              target.name(),
                              etcd.learners,
                              etcd.alarms.size(),
                              etcd.alarms.empty() ? "" : ": ",
                              fmt::join(etcd.alarms, ", ")));
    }
    const bool counted =
        std::find(etcd.healthy.begin(), etcd.healthy.end(), target.name()) != etcd.healthy.end();
    // A target that is sick already costs nothing more; the further nodes of a composition may be
    // well.
    const int lost = counted ? voters : voters - 1;
    const int left = static_cast<int>(etcd.healthy.size()) - lost;
    const int wanted = etcd.voters - budget.servers_down;
    if (left < wanted) {
      return fail(ErrorCode::refused,
                  fmt::format("{} on {} would leave {} healthy etcd voters of {}; the budget "
                              "(servers_down: {}) wants {}{}{}",
                              fault.describe(),
                              target.name(),
                              left,
                              etcd.voters,
                              budget.servers_down,
                              wanted,
                              etcd.unhealthy.empty() ? "" : "; ",
                              fmt::join(etcd.unhealthy, "; ")));
    }
  }
  if (fault.needs.servers_down > 0) {
    std::vector<std::string> down;
    for (const auto& server : access.servers()) {
      if (server->node().name() != target.name() &&
          server->apiserver("/readyz", deadline).outcome != observe::Outcome::ok) {
        down.push_back(server->node().name());
      }
    }
    const int total = static_cast<int>(down.size()) + fault.needs.servers_down;
    if (total > budget.servers_down) {
      return fail(ErrorCode::refused,
                  fmt::format("{} on {} would make {} servers down; the budget allows {}{}{}",
                              fault.describe(),
                              target.name(),
                              total,
                              budget.servers_down,
                              down.empty() ? "" : "; not ready now: ",
                              fmt::join(down, ", ")));
    }
  }
  return {};
}

}  // namespace harness::fault
