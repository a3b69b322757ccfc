// restarts-explained: every new invocation, boot and container beyond the steps' own is explained
// by the recorded fault. This is what sees a service that died and that systemd brought back within
// five seconds.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/check/check.h"
#include "harness/check/explain.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

std::string quoted(const Invocation* one) {
  return one == nullptr || one->last_words.empty() ? "" : "; its last words: " + one->last_words;
}

Finding boots(const TrialFacts& facts) {
  for (const auto& [node, seen] : facts.boots) {
    const auto allowed = 1 + static_cast<std::size_t>(facts.reboots_of(node));
    if (seen.size() > allowed) {
      return failed(fmt::format("{} booted {} time(s), {} of them unexplained",
                                node,
                                seen.size() - 1,
                                seen.size() - allowed));
    }
  }
  return pass();
}

Finding starts(const TrialFacts& facts, const std::string& node, std::string& notes) {
  const std::vector<Start> all = explain_starts(facts, node);
  if (all.empty()) {
    return unproven(fmt::format("no start of the service was seen on {}", node));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Invocation* earlier = i == 0 ? nullptr : all[i - 1].invocation;
    if (all[i].by.empty()) {
      return failed(
          fmt::format("{}: the service started {} times and nothing explains start {}{}{}",
                      node,
                      all.size(),
                      i + 1,
                      no_exit_on(facts, node),
                      quoted(earlier)));
    }
    if (i > 0) {
      notes += fmt::format("; on {} one start more: {}", node, all[i].by);
    }
  }
  return pass();
}

// systemd's own count, which no lost journal line can make smaller.
Finding counted(const TrialFacts& facts, const std::string& node) {
  const Json* state = facts.read_state("state.unit", node);
  if (state == nullptr) {
    return unproven(fmt::format("the unit of {} could not be read at the end", node));
  }
  const int explained = restarts_on(facts, node);
  const std::int64_t count = json_int(*state, "n_restarts");
  if (count > explained) {
    return failed(
        fmt::format("{}: systemd restarted the service {} time(s) by itself, {} explained",
                    node,
                    count,
                    explained));
  }
  return pass();
}

Finding jobs(const TrialFacts& facts, const std::string& node) {
  const bool here = exits_on(facts, node) > 0;
  for (const Step& step : facts.steps) {
    const bool job_failed =
        step.job_result == "failed" || (step.exit_status != 0 && step.job_result != "lost");
    if (step.name == "restart" && step.node == node && !step.baseline && job_failed && !here &&
        facts.reboot_of(node) == nullptr) {
      const auto fresh = facts.new_invocations(node);
      return failed(fmt::format("{}: systemctl restart failed (exit status {}){}",
                                node,
                                step.exit_status,
                                quoted(fresh.empty() ? nullptr : fresh.front())));
    }
  }
  return pass();
}

// An agent may have none: then there is no container whose start would need a reason.
bool without_static_pods(const TrialFacts& facts, const std::string& node) {
  return std::ranges::all_of(std::array{"before", "after"}, [&](const char* phase) {
    const Json* state = facts.read_state("state.static-pods", node, phase);
    return state != nullptr && state->value("pods", Json::array()).empty();
  });
}

Finding containers(const TrialFacts& facts, const std::string& node, std::string& notes) {
  if (std::ranges::find(facts.containers, node, &ContainerFact::node) == facts.containers.end()) {
    return without_static_pods(facts, node)
               ? pass()
               : unproven(fmt::format("no container was seen on {}", node));
  }
  for (const char* pod : {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}) {
    const ContainerStarts found = explain_containers(facts, node, pod);
    if (found.unexplained > 0) {
      return failed(fmt::format("{}: {} was started {} time(s), {} of them unexplained",
                                node,
                                pod,
                                found.total,
                                found.unexplained));
    }
    notes += found.consequence.empty() ? "" : fmt::format("; {}: {}", node, found.consequence);
  }
  return pass();
}

Finding found(const TrialFacts& facts) {
  if (facts.journal.empty()) {
    return unproven("no journal line was recorded");
  }
  Finding worst = boots(facts);
  std::string notes;
  bool any = false;
  for (const std::string& node : facts.nodes()) {
    if (facts.restart_began_us(node) == 0) {
      continue;
    }
    any = true;
    for (Finding finding : {starts(facts, node, notes),
                            jobs(facts, node),
                            counted(facts, node),
                            containers(facts, node, notes)}) {
      keep_worst(worst, std::move(finding));
    }
  }
  if (worst.verdict != Verdict::pass) {
    return worst;
  }
  return any ? pass("each is the step's or the fault's" + notes)
             : unproven("no restart step was recorded");
}

Finding judge(const TrialFacts& facts) {
  return unless_blind(
      facts, found(facts), {"journal-problem", "container-problem", "process-problem"});
}

}  // namespace

Check restarts_explained() {
  return {"restarts-explained", "Is every restart, boot and new container explained?", judge};
}

}  // namespace harness::check
