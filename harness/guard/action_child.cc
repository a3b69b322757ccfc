#include <algorithm>

#include <fmt/format.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/action_pulse.h"

namespace harness::guard {
namespace {

Result<Process> child_of(const std::string& unit, const std::string& name, const Means& means) {
  TRY_ASSIGN(const Process main, main_process(means, unit), "find " + name);
  std::vector<Process> found = with_children(main, means.proc);
  std::erase_if(found, [&](const Process& one) {
    return one == main || program_of(one.pid, means.proc) != name;
  });
  if (found.size() != 1) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} of {} (process {}) runs {} times when the moment came; once is "
                            "wanted",
                            name,
                            unit,
                            main.pid,
                            found.size()));
  }
  return found.front();
}

}  // namespace

Result<Deed> strike_child(const ArmRecord& record, const Means& means) {
  const std::string& name = record.action.object;
  TRY_ASSIGN(const Process target, child_of(record.unit, name, means), record.action.how);
  const std::string what = fmt::format("{} of {}", name, record.unit);
  if (record.action.how == "kill") {
    return kill_proved(what, target);
  }
  return freeze(
      what, [&] { return std::vector<Process>{target}; }, means);
}

}  // namespace harness::guard
