#include <algorithm>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/observe/pods.h"
#include "harness/observe/state.h"
#include "harness/upgrade/rolling.h"

namespace harness::upgrade {
namespace {

constexpr std::chrono::seconds kOneLook{20};

// One look at the whole cluster: what is wrong (empty: nothing), and what must not change while it
// is quiet.
struct Look {
  std::string wrong;
  std::string signature;
};

void look_at_unit(cluster::Node& node, Look& look, Deadline deadline) {
  if (const Status back = cluster::connect_again(node, deadline); !back) {
    look.wrong = back.error().message();
    return;
  }
  auto unit = observe::read_unit(node, deadline);
  if (!unit) {
    look.wrong = unit.error().message();
    return;
  }
  look.signature +=
      fmt::format("{} {} {} {};", node.name(), unit->boot_id, unit->invocation, unit->n_restarts);
  if (unit->active != "active" || !unit->job.empty()) {
    look.wrong = fmt::format("{}: {} is {}", node.name(), node.unit(), unit->describe());
  }
}

void look_at_pods(const observe::Access& access,
                  const cluster::Node& node,
                  Look& look,
                  Deadline deadline) {
  auto pods = access.static_pods(node).read(deadline);
  if (!pods) {
    look.wrong = pods.error().message();
    return;
  }
  for (const observe::StaticPod& pod : *pods) {
    if (!pod.matches()) {
      look.wrong = node.name() + ": " + pod.describe();
      return;
    }
    for (const observe::ContainerInfo& container : pod.containers) {
      look.signature += container.id + ";";
    }
  }
}

void look_at_server(observe::ControlPlane& server, Look& look, Deadline deadline) {
  const std::string& name = server.node().name();
  const Json etcd = observe::etcd_state(server, 0, deadline);
  if (etcd.contains("error")) {
    look.wrong = name + ": etcd: " + json_string(etcd, "error");
  } else if (!json_bool(etcd, "healthy") || json_string(etcd, "leader_id", "0") == "0") {
    look.wrong = name + ": etcd is not healthy";
  } else if (json_bool(etcd, "is_learner")) {
    look.wrong = name + ": etcd is still a learner";
  } else if (!etcd["alarms"].empty()) {
    look.wrong = name + ": etcd has an alarm: " + etcd["alarms"].dump();
  }
  const observe::Answer ready = server.apiserver("/readyz", deadline);
  if (look.wrong.empty() && ready.outcome != observe::Outcome::ok) {
    look.wrong = fmt::format("{}: apiserver /readyz: {}",
                             name,
                             ready.error.empty() ? std::to_string(ready.status) : ready.error);
  }
}

void look_at_back_off(const observe::Access& access,
                      const cluster::Node& node,
                      Look& look,
                      Deadline deadline) {
  const Json state = observe::restarts_state(access, node, deadline);
  if (!state.contains("containers")) {
    look.wrong = node.name() + ": " + json_string(state, "error");
    return;
  }
  for (const Json& one : state["containers"]) {
    if (const std::int64_t back_off = json_int(one, "backoff_us"); back_off > 0) {
      look.wrong = fmt::format("back-off of {} on {}: {}",
                               json_string(one, "pod"),
                               node.name(),
                               format_duration(Microseconds(back_off)));
      return;
    }
  }
}

void look_at_node_ready(const observe::Access& access,
                        const cluster::Node& node,
                        const SettleOptions& options,
                        Look& look,
                        Deadline deadline) {
  const Json state = observe::nodes_state(access, &node, deadline);
  if (!state.contains("nodes")) {
    look.wrong = "nodes: " + json_string(state, "error");
    return;
  }
  const Json* row = observe::find_node(state["nodes"], node);
  if (row == nullptr || !json_bool(*row, "ready")) {
    look.wrong = node.name() + " is not Ready";
    return;
  }
  const std::int64_t renewed = json_int(*row, "lease_renewed_us");
  if (renewed != 0 && renewed < options.leases_since_us) {
    look.wrong = fmt::format("{} is Ready by a lease that is {} older than the fault",
                             node.name(),
                             format_duration(Microseconds(options.leases_since_us - renewed)));
  }
}

Look look_at(const observe::Access& access, const SettleOptions& options, Deadline deadline) {
  Look look;
  for (cluster::Node* node : access.nodes()) {
    look_at_unit(*node, look, deadline);
    if (!look.wrong.empty()) {
      return look;
    }
    if (observe::ControlPlane* server = access.of(*node)) {
      look_at_server(*server, look, deadline);
      if (look.wrong.empty()) {
        look_at_pods(access, *node, look, deadline);
      }
    }
    if (look.wrong.empty()) {
      look_at_node_ready(access, *node, options, look, deadline);
    }
    if (look.wrong.empty() && options.wait_for_back_off) {
      look_at_back_off(access, *node, look, deadline);
    }
    if (!look.wrong.empty()) {
      return look;
    }
  }
  return look;
}

}  // namespace

Result<Settled> settle(const observe::Access& access,
                       const SettleOptions& options,
                       Deadline deadline,
                       std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  auto quiet_since = began;
  std::string signature;
  Settled settled;
  const Status done = eventually(
      "the cluster is healthy and quiet",
      deadline,
      options.period,
      [&]() -> Result<Observation> {
        Look look = look_at(access, options, deadline.at_most(kOneLook));
        const auto now = std::chrono::steady_clock::now();
        if (!look.wrong.empty()) {
          settled.waited_for = look.wrong;
          signature.clear();
          return Observation{.done = false, .seen = std::move(look.wrong)};
        }
        if (look.signature != signature) {
          signature = std::move(look.signature);
          quiet_since = now;
        }
        const bool quiet = now - quiet_since >= options.quiet;
        return Observation{.done = quiet, .seen = "healthy, but something restarted a moment ago"};
      },
      std::move(stop));
  TRY(done, "settle");
  settled.duration =
      std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - began);
  return settled;
}

}  // namespace harness::upgrade
