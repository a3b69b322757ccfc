#include "harness/check/explain.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace harness::check {
namespace {

// The longest-lived hook tries for 30 s, with requests of 15 s at its end.
constexpr std::int64_t kExitWithinUs = 120'000'000;
constexpr std::int64_t kSlackUs = 1'000'000;
// How often kube-apiserver may end for want of etcd before it is a finding of its own.
constexpr int kMostConsequences = 3;

// How long a manifest must be away for its return to be a new pod: on the lab kubelet passed over
// 0.1 s and made a new one after 0.22 s. How long after an outage a controller may still end for
// its lease: it gives up renewing after 10 s.
constexpr std::int64_t kLastedUs = 150'000;
constexpr std::int64_t kLeaseUs = 30'000'000;

std::string seconds(std::int64_t us) {
  return fmt::format("{:.2f} s", static_cast<double>(us) / 1e6);
}

std::int64_t death_of(const TrialFacts& facts, const Invocation& one) {
  if (one.exited_mono_us != 0) {
    return one.exited_mono_us;
  }
  for (const JournalLine& line : facts.journal) {
    if (line.node == one.node && line.invocation == one.id && line.deadly()) {
      return line.mono_us;
    }
  }
  return 0;
}

std::set<std::string> uids_before(const TrialFacts& facts,
                                  const std::string& node,
                                  const std::string& pod) {
  std::set<std::string> uids;
  if (const Json* state = facts.read_state("state.static-pods", node, "before")) {
    for (const Json& one : state->value("pods", Json::array())) {
      if (json_string(one, "pod") == pod) {
        uids.insert(json_string(one, "manifest_uid"));
      }
    }
  }
  const std::int64_t began = facts.restart_began_us(node);
  for (const ContainerFact& one : facts.containers) {
    if (one.node == node && one.pod == pod && one.started &&
        facts.to_controller(node, one.wall_us) < began) {
      uids.insert(one.pod_uid);
    }
  }
  return uids;
}

// When the last container of this pod with another UID ended: until then a new one cannot have its
// ports.
std::int64_t old_gone_us(const TrialFacts& facts, const ContainerFact& fresh) {
  std::int64_t gone = 0;
  for (const ContainerFact& one : facts.containers) {
    if (one.node == fresh.node && one.pod == fresh.pod && !one.started &&
        one.pod_uid != fresh.pod_uid) {
      gone = std::max(gone, one.wall_us);
    }
  }
  return gone;
}

// Kubelets before 1.22 start the new pod while the old one still has the ports; that start is part
// of the hand-over.
bool hand_over(const TrialFacts& facts, const ContainerFact& start) {
  const auto ended = std::ranges::find_if(facts.containers, [&](const ContainerFact& one) {
    return one.node == start.node && one.id == start.id && !one.started;
  });
  return ended != facts.containers.end() && ended->wall_us < old_gone_us(facts, start);
}

// Writes that make a pod: the first of a UID that is new, and one after a removal that lasted.
int writes(const TrialFacts& facts,
           const std::string& node,
           const std::string& pod,
           const std::string& uid,
           bool known) {
  const std::int64_t began = facts.restart_began_us(node);
  std::int64_t removed = 0;
  int count = 0;
  for (const ManifestFact& one : facts.manifests) {
    if (one.node != node || one.pod != pod) {
      continue;
    }
    if (!one.written) {
      removed = removed == 0 ? one.wall_us : removed;
      continue;
    }
    const bool lasted = removed != 0 && one.wall_us - removed >= kLastedUs;
    removed = 0;
    if (one.uid == uid && facts.to_controller(node, one.wall_us) >= began - kSlackUs) {
      count += !known || lasted ? 1 : 0;
      known = true;
    }
  }
  return count;
}

// kube-apiserver did not answer as this container's predecessor ended, or shortly before.
bool near_outage(const TrialFacts& facts, const ContainerFact& start) {
  const auto probes = facts.probes.find(start.node);
  if (probes == facts.probes.end() || !probes->second.contains("readyz")) {
    return false;
  }
  std::int64_t ended = start.wall_us;
  for (const ContainerFact& one : facts.containers) {
    if (!one.started && one.node == start.node && one.pod == start.pod &&
        one.wall_us <= start.wall_us) {
      ended = one.wall_us;
    }
  }
  const std::int64_t at = facts.to_controller(start.node, ended);
  return std::ranges::any_of(probes->second.at("readyz"), [&](const Probe& one) {
    return (one.outcome == "not-ok" || one.outcome == "timeout") && one.wall_us <= at + kSlackUs &&
           one.answered_us >= at - kLeaseUs;
  });
}

// Whether as many starts as are left over follow from kube-apiserver's absence.
bool apiserver_was_away(const TrialFacts& facts,
                        const std::string& node,
                        const std::string& pod,
                        int left) {
  const std::int64_t began = facts.restart_began_us(node);
  return std::ranges::count_if(facts.containers, [&](const ContainerFact& one) {
           return one.node == node && one.pod == pod && one.started &&
                  facts.to_controller(node, one.wall_us) >= began && near_outage(facts, one);
         }) >= left;
}

// Why more starts than steps and faults make are still no finding; empty: they are one.
std::string consequence_of(const TrialFacts& facts,
                           const std::string& node,
                           const std::string& pod,
                           int left) {
  if (pod == "etcd") {
    return {};
  }
  if (facts.reboots_of(node) > 0) {
    return pod + " began again while the node came up";
  }
  if (pod == "kube-apiserver") {
    return facts.kill_of(node, "etcd") != nullptr ? "kube-apiserver ended for want of etcd" : "";
  }
  return apiserver_was_away(facts, node, pod, left) ? pod + " ended while kube-apiserver was away"
                                                    : "";
}

FaultExit not_an_exit(std::string why) {
  return {.invocation = nullptr, .text = std::move(why), .ordered = false};
}

FaultExit exit_by(const TrialFacts& facts, const Deed& deed) {
  const FaultFact& fault = *deed.fact;
  const std::string& pod = deed.pod;
  if (!deed.ends_service() && pod != "kube-apiserver" && pod != "etcd") {
    return not_an_exit(fmt::format("{} ends no service", deed.fault));
  }
  const Invocation* hit = facts.invocation(fault.node, fault.invocation);
  const std::int64_t died = hit == nullptr ? 0 : death_of(facts, *hit);
  if (died == 0) {
    return not_an_exit("the invocation that was hit did not end");
  }
  if (!deed.ends_service() && (hit->gate_mono_us == 0 || fault.begun_mono_us < hit->gate_mono_us)) {
    return not_an_exit(fmt::format(
        "{} {} before the hooks might begin, when the service must wait", pod, deed.how));
  }
  if (died < fault.begun_mono_us || died - fault.begun_mono_us > kExitWithinUs) {
    return not_an_exit(fmt::format("the service ended {} {} the fault",
                                   seconds(std::abs(died - fault.begun_mono_us)),
                                   died < fault.begun_mono_us ? "before" : "after"));
  }
  return {hit,
          fmt::format(
              "the service ended {} after {}{}",
              seconds(died - fault.begun_mono_us),
              deed.ends_service() ? deed.how : fmt::format("{} {} under its hooks", pod, deed.how),
              hit->last_words.empty() ? "" : " (" + hit->last_words + ")"),
          deed.stops_service()};
}

const FaultExit* exit_of(const std::vector<FaultExit>& exits, const Invocation* one) {
  const auto found = std::ranges::find(exits, one, &FaultExit::invocation);
  return one == nullptr || found == exits.end() ? nullptr : &*found;
}

}  // namespace

std::vector<FaultExit> fault_exits(const TrialFacts& facts) {
  std::vector<FaultExit> out;
  for (const Deed& deed : facts.deeds()) {
    FaultExit exit = exit_by(facts, deed);
    // Two kills may have ended the same invocation.
    if (exit_of(out, exit.invocation) == nullptr) {
      out.push_back(std::move(exit));
    }
  }
  return out;
}

int exits_on(const TrialFacts& facts, const std::string& node) {
  const std::vector<FaultExit> exits = fault_exits(facts);
  return static_cast<int>(
      std::ranges::count_if(exits, [&](const FaultExit& exit) { return exit.ends_one_on(node); }));
}

int restarts_on(const TrialFacts& facts, const std::string& node) {
  const std::vector<FaultExit> exits = fault_exits(facts);
  return static_cast<int>(std::ranges::count_if(
      exits, [&](const FaultExit& exit) { return exit.ends_one_on(node) && !exit.ordered; }));
}

std::string no_exit_on(const TrialFacts& facts, const std::string& node) {
  if (facts.deeds_on(node).empty() || exits_on(facts, node) > 0) {
    return {};
  }
  std::string out;
  for (const FaultExit& exit : fault_exits(facts)) {
    out += (out.empty() ? " (" : "; ") + exit.text;
  }
  return out + ")";
}

std::vector<Start> explain_starts(const TrialFacts& facts, const std::string& node) {
  std::vector<std::int64_t> restarts;
  for (const Step& step : facts.steps) {
    if (step.name == "restart" && step.node == node && !step.baseline) {
      restarts.push_back(step.started_us);
    }
  }
  const std::vector<FaultExit> exits = fault_exits(facts);
  const FaultFact* reboot = facts.reboot_of(node);
  std::size_t next = 0;
  std::vector<Start> out;
  const Invocation* previous = nullptr;
  for (const Invocation* one : facts.new_invocations(node)) {
    Start start{.invocation = one, .by = {}};
    if (reboot != nullptr && !one->boot_id.empty() && one->boot_id != reboot->boot_id) {
      start.by = "the reboot";
      reboot = nullptr;
    } else if (next < restarts.size() &&
               facts.to_controller(node, one->first_wall_us) >= restarts[next] - kSlackUs) {
      start.by = "the upgrade's restart";
      ++next;
    } else if (const FaultExit* exit = exit_of(exits, previous)) {
      start.by = exit->text;
    }
    previous = one;
    out.push_back(std::move(start));
  }
  return out;
}

bool explains(const TrialFacts& facts, const JournalLine& line) {
  const Invocation* one = facts.invocation(line.node, line.invocation);
  if (one == nullptr) {
    return false;
  }
  const std::int64_t began = facts.restart_began_us(line.node);
  if (one->before && began != 0 &&
      facts.to_controller(line.node, line.wall_us) >= began - kSlackUs) {
    return true;
  }
  if (one->stopping_mono_us != 0 && line.boot_id == one->boot_id &&
      line.mono_us >= one->stopping_mono_us) {
    return true;
  }
  return std::ranges::any_of(facts.deeds_on(line.node), [&](const Deed& deed) {
    return line.boot_id == deed.fact->boot_id && line.mono_us >= deed.fact->begun_mono_us &&
           (deed.reboots() || exit_by(facts, deed).invocation == one);
  });
}

ContainerStarts explain_containers(const TrialFacts& facts,
                                   const std::string& node,
                                   const std::string& pod) {
  const std::int64_t began = facts.restart_began_us(node);
  const std::set<std::string> old = uids_before(facts, node, pod);
  std::map<std::string, int> by_uid;
  std::set<std::string> ids;
  ContainerStarts out;
  for (const ContainerFact& one : facts.containers) {
    if (one.node != node || one.pod != pod || !one.started ||
        facts.to_controller(node, one.wall_us) < began) {
      continue;
    }
    if (ids.insert(one.id).second && !hand_over(facts, one)) {
      ++out.total;
      ++by_uid[one.pod_uid];
    }
  }
  int left = 0;
  for (const auto& [uid, count] : by_uid) {
    const int by_step =
        std::max(writes(facts, node, pod, uid, old.contains(uid)), old.contains(uid) ? 0 : 1);
    left += std::max(0, count - by_step);
  }
  const std::vector<Deed> deeds = facts.deeds_on(node);
  const auto by_faults = std::ranges::count_if(
      deeds, [&](const Deed& deed) { return deed.pod == pod || deed.reboots(); });
  const int by_operator = facts.by_reboot ? 1 : 0;
  left = std::max(0, left - static_cast<int>(by_faults) - by_operator);
  if (left > 0 && left <= kMostConsequences) {
    out.consequence = consequence_of(facts, node, pod, left);
  }
  out.unexplained = out.consequence.empty() ? left : 0;
  return out;
}

}  // namespace harness::check
