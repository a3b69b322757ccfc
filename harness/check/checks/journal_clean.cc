// journal-clean: no fatal or panic line that neither a fault nor a step explains. The old
// invocation's last words at an ordinary stop are the step's; those of an invocation whose hooks
// lost kube-apiserver to the fault are the fault's.

#include <fmt/format.h>

#include "harness/check/check.h"
#include "harness/check/explain.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

Finding found(const TrialFacts& facts) {
  if (facts.journal.empty()) {
    return unproven("no journal line was recorded");
  }
  std::size_t explained = 0;
  for (const JournalLine& line : facts.journal) {
    if (!line.deadly()) {
      continue;
    }
    if (!explains(facts, line)) {
      return failed(fmt::format("{} died in invocation {}{}: {}",
                                line.node,
                                line.invocation.substr(0, 8),
                                no_exit_on(facts, line.node),
                                line.line.msg));
    }
    ++explained;
  }
  bool any = false;
  for (const std::string& node : facts.nodes()) {
    const bool restarted = facts.restart_began_us(node) != 0;
    if (restarted && facts.new_invocations(node).empty()) {
      return unproven(fmt::format("the journal of {} was not seen after its restart", node));
    }
    any = any || restarted;
  }
  if (!any) {
    return unproven("no restart step was recorded");
  }
  return pass(
      explained == 0
          ? "no fatal line"
          : fmt::format("{} fatal line(s), each explained by a stop or the fault", explained));
}

Finding judge(const TrialFacts& facts) {
  return unless_blind(facts, found(facts), {"journal-problem"});
}

}  // namespace

Check journal_clean() {
  return {"journal-clean", "Is every fatal line explained by a fault or a step?", judge};
}

}  // namespace harness::check
