// apiserver-recovers: every server's own readyz and livez are ok for good within the budget after
// the fault, or after the restart where there was none; and where the old container had to go, the
// answers come from a new one.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/probing.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

double seconds(std::int64_t us) {
  return static_cast<double>(us) / 1e6;
}

const Json* pod_of(const Json& state) {
  const auto pods = state.find("pods");
  if (pods == state.end()) {
    return nullptr;
  }
  const auto pod = std::ranges::find_if(
      *pods, [](const Json& one) { return json_string(one, "pod") == "kube-apiserver"; });
  return pod == pods->end() ? nullptr : &*pod;
}

bool had(const Json* before, const std::string& id) {
  const Json* pod = before == nullptr ? nullptr : pod_of(*before);
  return pod != nullptr &&
         std::ranges::any_of(pod->value("containers", Json::array()),
                             [&](const Json& one) { return json_string(one, "id") == id; });
}

// Which container answers at the end: never the killed one, never one from before a reboot, never
// one from before an upgrade that changed the manifest.
Finding from_the_new_one(const TrialFacts& facts, const std::string& node) {
  const Json* state = facts.read_state("state.static-pods", node);
  if (state == nullptr) {
    return unproven(fmt::format(
        "which kube-apiserver of {} answers is not known: its static pods could not be read",
        node));
  }
  const Json* pod = pod_of(*state);
  if (pod == nullptr || pod->value("containers", Json::array()).empty()) {
    return failed(fmt::format("no kube-apiserver container runs on {}", node));
  }
  const Json* before = facts.read_state("state.static-pods", node, "before");
  const Json* old = before == nullptr ? nullptr : pod_of(*before);
  const bool changed =
      old != nullptr && json_string(*old, "manifest_uid") != json_string(*pod, "manifest_uid");
  const FaultFact* reboot = facts.reboot_of(node);
  const FaultFact* kill = facts.end_of(node, "kube-apiserver");
  const FaultFact* fault = reboot != nullptr ? reboot : kill;
  for (const Json& one : (*pod)["containers"]) {
    const std::string id = json_string(one, "id");
    if (kill != nullptr && id == kill->killed_container) {
      return failed(
          fmt::format("the killed kube-apiserver of {} is still the one that runs", node));
    }
    if (fault != nullptr && json_int(one, "started_wall_us") < fault->effect_wall_us &&
        (reboot == nullptr || had(before, id))) {
      return failed(
          fmt::format("the kube-apiserver that answers on {} began before the fault", node));
    }
    if (changed && had(before, id)) {
      return failed(fmt::format(
          "the old kube-apiserver still answers on {}: its manifest has changed, its container not",
          node));
    }
  }
  return pass();
}

// How long kubelet left the killed pod without a container, and what it holds back still.
std::string held_back(const TrialFacts& facts) {
  std::string out;
  for (const Deed& deed : facts.deeds()) {
    const auto back = std::ranges::find_if(facts.containers, [&](const ContainerFact& one) {
      return one.started && one.node == deed.fact->node && one.pod == deed.pod &&
             one.wall_us > deed.fact->effect_wall_us;
    });
    if (!deed.pod.empty() && back != facts.containers.end()) {
      out += fmt::format("; kubelet had the next {} after {:.1f} s",
                         deed.pod,
                         seconds(back->wall_us - deed.fact->effect_wall_us));
    }
  }
  for (const auto& [node, state] : facts.state("state.restarts")) {
    for (const Json& one : state->value("containers", Json::array())) {
      if (const std::int64_t us = json_int(one, "backoff_us"); us > 0) {
        out += fmt::format("; kubelet's back-off holds {} of {} for {:.0f} s",
                           json_string(one, "pod"),
                           node,
                           seconds(us));
      }
    }
  }
  return out;
}

Finding found(const TrialFacts& facts) {
  if (facts.probes.empty()) {
    return unproven("no probe was recorded");
  }
  const std::string held = held_back(facts);
  std::int64_t longest = 0;
  Finding worst = pass();
  for (const auto& [node, by_name] : facts.probes) {
    const std::int64_t reference = facts.reference_us(node);
    if (reference == 0) {
      keep_worst(worst, unproven("neither a fault's effect nor a restart was recorded"));
      continue;
    }
    for (const char* name : {"readyz", "livez"}) {
      const auto probes = by_name.find(name);
      if (probes == by_name.end()) {
        keep_worst(worst, unproven(fmt::format("{} of {} was never asked", name, node)));
        continue;
      }
      Recovered one = recovered(probes->second, reference, facts.recovery_budget_us);
      one.finding.reason = fmt::format("{} of {} {}{}", name, node, one.finding.reason, held);
      keep_worst(worst, std::move(one.finding));
      longest = std::max(longest, one.at_us - reference);
    }
    keep_worst(worst, from_the_new_one(facts, node));
  }
  if (worst.verdict != Verdict::pass) {
    return worst;
  }
  Finding out = pass(fmt::format("ok for good {:.1f} s after {}{}",
                                 seconds(longest),
                                 facts.applied() ? "the fault" : "the restart began",
                                 held));
  out.recovery_s = seconds(longest);
  return out;
}

Finding judge(const TrialFacts& facts) {
  return unless_silent(facts, found(facts), {"readyz", "livez"});
}

}  // namespace

Check apiserver_recovers() {
  return {"apiserver-recovers",
          "Is every kube-apiserver ready and alive again, from the new container?",
          judge};
}

}  // namespace harness::check
