// apiserver-recovers: every server's own readyz and livez are ok again within the budget after the
// fault, and the answers come from the container that replaced the killed one.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

constexpr std::size_t kSteadyEnd = 10;  // the last second of probing must be ok throughout

struct Recovery {
  Finding finding;
  std::int64_t at_us = 0;
};

Recovery recovery_of(const TrialFacts& facts,
                     const std::string& node,
                     const std::string& name,
                     const std::vector<Probe>& probes) {
  const std::int64_t reference = facts.reference_us();
  std::vector<Probe> after;
  std::ranges::copy_if(probes, std::back_inserter(after), [&](const Probe& probe) {
    return probe.wall_us >= reference;
  });
  if (after.size() < kSteadyEnd) {
    return {
        unproven(fmt::format("{} of {}: only {} probes after the fault", name, node, after.size())),
        0};
  }
  for (auto probe = after.end() - kSteadyEnd; probe != after.end(); ++probe) {
    if (probe->outcome == "ok") {
      continue;
    }
    if (probe->outcome == "not-ok" || probe->outcome == "timeout") {
      return {failed(fmt::format("{} of {} is {} at the end", name, node, probe->outcome)), 0};
    }
    return {unproven(fmt::format(
                "{} of {} could not be seen at the end: {}", name, node, probe->outcome)),
            0};
  }
  std::int64_t at = reference;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].outcome != "ok" && i + 1 < after.size()) {
      at = after[i + 1].wall_us;
    }
  }
  const std::int64_t took = at - reference;
  if (took > facts.recovery_budget_us) {
    return {failed(fmt::format("{} of {} took {:.1f} s to be ok for good, the budget is {:.0f} s",
                               name,
                               node,
                               static_cast<double>(took) / 1e6,
                               static_cast<double>(facts.recovery_budget_us) / 1e6)),
            at};
  }
  return {pass(), at};
}

Finding replaced(const TrialFacts& facts) {
  if (json_string(facts.params, "pod") != "kube-apiserver" || !facts.fault_fact ||
      facts.fault_fact->killed_container.empty()) {
    return pass();
  }
  const auto states = facts.state("state.static-pods");
  const auto state = states.find(facts.fault_fact->node);
  if (state == states.end() || state->second->contains("error")) {
    return unproven(
        "which kube-apiserver container answers is not known: its static pods could not be read");
  }
  for (const Json& pod : state->second->value("pods", Json::array())) {
    if (json_string(pod, "pod") != "kube-apiserver") {
      continue;
    }
    const Json containers = pod.value("containers", Json::array());
    for (const Json& container : containers) {
      if (json_string(container, "id") == facts.fault_fact->killed_container) {
        return failed("the killed kube-apiserver container is still the one that runs");
      }
    }
    return containers.empty() ? failed("no kube-apiserver container runs after the fault") : pass();
  }
  return failed("there is no kube-apiserver pod after the fault");
}

Finding judge(const TrialFacts& facts) {
  if (facts.probes.empty()) {
    return unproven("no probe was recorded");
  }
  if (facts.reference_us() == 0) {
    return unproven("neither a fault's effect nor a restart was recorded");
  }
  std::int64_t latest = facts.reference_us();
  for (const auto& [node, by_name] : facts.probes) {
    for (const char* name : {"readyz", "livez"}) {
      const auto probes = by_name.find(name);
      if (probes == by_name.end()) {
        return unproven(fmt::format("{} of {} was never asked", name, node));
      }
      const Recovery recovery = recovery_of(facts, node, name, probes->second);
      if (recovery.finding.verdict != Verdict::pass) {
        return recovery.finding;
      }
      latest = std::max(latest, recovery.at_us);
    }
  }
  Finding out = replaced(facts);
  out.recovery_s = static_cast<double>(latest - facts.reference_us()) / 1e6;
  if (out.verdict == Verdict::pass) {
    out.reason = fmt::format("ok for good {:.1f} s after {}",
                             *out.recovery_s,
                             facts.has_fault() ? "the fault" : "the restart began");
  }
  return out;
}

}  // namespace

Check apiserver_recovers() {
  return {"apiserver-recovers",
          "Is every kube-apiserver ready and alive again, from the new container?",
          judge};
}

}  // namespace harness::check
