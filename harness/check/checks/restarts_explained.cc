// restarts-explained: every new invocation, boot and container beyond the steps' own is explained
// by the recorded fault. This is what sees a service that died and that systemd brought back within
// five seconds.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

bool fault_hit(const TrialFacts& facts, const std::string& node) {
  return facts.fault_fact && facts.fault_fact->outcome == "applied" &&
         facts.fault_fact->node == node;
}

std::string last_words(const TrialFacts& facts,
                       const std::string& node,
                       const std::string& invocation) {
  std::string words;
  for (const JournalLine& line : facts.journal) {
    if (line.node == node && line.invocation == invocation && line.ident == "rke2" &&
        (line.line.level == "fatal" || line.line.shape == event::Shape::panic)) {
      words = line.line.msg;
    }
  }
  return words.empty() ? "" : "; its last words: " + words;
}

Finding boots(const TrialFacts& facts) {
  for (const auto& [node, seen] : facts.boots) {
    const std::size_t allowed = facts.reboots() && fault_hit(facts, node) ? 2 : 1;
    if (seen.size() > allowed) {
      return failed(fmt::format(
          "{} booted {} time(s) more than the fault explains", node, seen.size() - allowed));
    }
  }
  return pass();
}

Finding invocations(const TrialFacts& facts, const std::string& node) {
  const auto fresh = facts.new_invocations(node);
  if (fresh.empty()) {
    return unproven(fmt::format("no start of the service was seen on {}", node));
  }
  // The step's own start, and one more that the fault may have brought: the next boot's, or the
  // exit of R4.
  const std::size_t allowed = fault_hit(facts, node) ? 2 : 1;
  if (fresh.size() > allowed) {
    return failed(fmt::format("{}: the service started {} times, {} explained{}",
                              node,
                              fresh.size(),
                              allowed,
                              last_words(facts, node, fresh.front())));
  }
  for (const Step& step : facts.steps) {
    const bool job_failed =
        step.job_result == "failed" || (step.exit_status != 0 && step.job_result != "lost");
    if (step.name == "restart" && step.node == node &&
        step.started_us == facts.restart_began_us(node) && job_failed && !fault_hit(facts, node)) {
      return failed(fmt::format("{}: systemctl restart failed (exit status {}){}",
                                node,
                                step.exit_status,
                                last_words(facts, node, fresh.front())));
    }
  }
  return pass();
}

// When the last container of this pod with another UID ended: until then a new one cannot have its
// ports.
std::int64_t old_gone_us(const TrialFacts& facts,
                         const std::string& node,
                         const std::string& pod,
                         const std::string& uid) {
  std::int64_t gone = 0;
  for (const ContainerFact& container : facts.containers) {
    if (container.node == node && container.pod == pod && !container.started &&
        container.pod_uid != uid) {
      gone = std::max(gone, container.wall_us);
    }
  }
  return gone;
}

// kube-controller-manager and kube-scheduler end by themselves when they lose their lease while
// kube-apiserver is away, so only etcd and kube-apiserver are counted. A start that ended before
// the old container did is the hand-over's: kubelets before 1.22 start the new pod first, and its
// ports are taken.
Finding containers(const TrialFacts& facts, const std::string& node, const std::string& pod) {
  const std::int64_t began = facts.restart_began_us(node);
  std::map<std::string, int> by_uid;
  for (const ContainerFact& container : facts.containers) {
    if (container.node != node || container.pod != pod || container.initial ||
        facts.to_controller(node, container.wall_us) < began) {
      continue;
    }
    if (container.started) {
      ++by_uid[container.pod_uid];
    } else if (by_uid.contains(container.pod_uid) &&
               container.wall_us < old_gone_us(facts, node, pod, container.pod_uid)) {
      --by_uid[container.pod_uid];
    }
  }
  if (fault_hit(facts, node)) {
    return pass();
  }
  for (const auto& [uid, count] : by_uid) {
    if (count > 1) {
      return failed(fmt::format(
          "{}: {} was started {} times for one manifest without any fault", node, pod, count));
    }
  }
  if (by_uid.size() > 1) {
    return failed(
        fmt::format("{}: {} was re-created {} times in one upgrade", node, pod, by_uid.size()));
  }
  return pass();
}

Finding judge(const TrialFacts& facts) {
  if (facts.journal.empty()) {
    return unproven("no journal line was recorded");
  }
  if (const Finding finding = boots(facts); finding.verdict != Verdict::pass) {
    return finding;
  }
  bool any = false;
  for (const std::string& node : facts.nodes()) {
    if (facts.restart_began_us(node) == 0) {
      continue;
    }
    any = true;
    if (const Finding finding = invocations(facts, node); finding.verdict != Verdict::pass) {
      return finding;
    }
    for (const char* pod : {"etcd", "kube-apiserver"}) {
      if (const Finding finding = containers(facts, node, pod); finding.verdict != Verdict::pass) {
        return finding;
      }
    }
  }
  return any ? pass("each is the step's or the fault's") : unproven("no restart step was recorded");
}

}  // namespace

Check restarts_explained() {
  return {"restarts-explained", "Is every restart, boot and new container explained?", judge};
}

}  // namespace harness::check
