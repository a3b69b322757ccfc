// journal-clean: no fatal or panic line that neither a fault nor a step explains. The old
// invocation's last words at an ordinary stop are the step's. A fatal end inside the invocation
// that the fault hit, after its effect, is the fault's: hooks may end the process when
// kube-apiserver is really gone.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

bool deadly(const event::Line& line) {
  return line.level == "fatal" || line.level == "panic" || line.shape == event::Shape::panic;
}

bool explained(const TrialFacts& facts,
               const JournalLine& line,
               const std::vector<std::string>& fresh) {
  if (std::ranges::find(fresh, line.invocation) == fresh.end()) {
    return true;
  }
  const auto& fault = facts.fault_fact;
  return fault && fault->outcome == "applied" && fault->node == line.node &&
         fault->invocation == line.invocation && line.boot_id == fault->boot_id &&
         line.mono_us >= fault->effect_mono_us;
}

Finding judge(const TrialFacts& facts) {
  if (facts.journal.empty()) {
    return unproven("no journal line was recorded");
  }
  std::size_t forgiven = 0;
  for (const std::string& node : facts.nodes()) {
    const auto fresh = facts.new_invocations(node);
    for (const JournalLine& line : facts.journal) {
      if (line.node != node || line.ident != "rke2" || !deadly(line.line)) {
        continue;
      }
      if (!explained(facts, line, fresh)) {
        return failed(fmt::format(
            "{} died in invocation {}: {}", node, line.invocation.substr(0, 8), line.line.msg));
      }
      ++forgiven;
    }
  }
  return pass(forgiven == 0 ? "no fatal line"
                            : fmt::format("{} fatal line(s), each explained by a stop or the fault",
                                          forgiven));
}

}  // namespace

Check journal_clean() {
  return {"journal-clean", "Is every fatal line explained by a fault or a step?", judge};
}

}  // namespace harness::check
