#include "harness/guard/kernel_parts.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <string_view>

#include <sys/utsname.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"
#include "harness/guard/action_netem.h"
#include "harness/guard/held_opens.h"
#include "harness/guard/nft_table.h"

namespace harness::guard {
namespace {

constexpr std::size_t kListLimit = 16U << 20U;

// "kernel/net/sched/sch_netem.ko.xz: ..." is sch_netem. A file has - or _, as it likes.
std::string module_of(std::string_view line) {
  line = line.substr(0, line.find(':'));
  line = line.substr(line.rfind('/') + 1);
  std::string name(line.substr(0, line.find(".ko")));
  std::ranges::replace(name, '-', '_');
  return name;
}

bool lists(const std::string& text, const std::string& module) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (module_of(line) == module) {
      return true;
    }
  }
  return false;
}

}  // namespace

KernelPlaces KernelPlaces::of_this_kernel() {
  utsname names{};
  uname(&names);
  KernelPlaces out;
  out.modules = "/lib/modules/" + std::string(names.release);
  return out;
}

std::optional<bool> kernel_has(const std::vector<std::string>& modules,
                               const KernelPlaces& places) {
  const auto built_in = read_whole(places.modules + "/modules.builtin", kListLimit);
  const auto loadable = read_whole(places.modules + "/modules.dep", kListLimit);
  bool all = true;
  for (const std::string& module : modules) {
    all = all && (there(places.loaded + "/" + module) || (built_in && lists(*built_in, module)) ||
                  (loadable && lists(*loadable, module)));
  }
  return all || (built_in && loadable) ? std::optional(all) : std::nullopt;
}

Status check_process_handles(const std::function<int(int)>& open) {
  const exec::UniqueFd own(open(getpid()));
  return own || errno != ENOSYS
             ? Status()
             : fail(ErrorCode::not_supported,
                    "this kernel has no pidfd_open (Linux 5.3), without which no process can be "
                    "ended or watched for sure");
}

Json kernel_parts(const KernelPlaces& places, const Means& means) {
  const auto tables = kernel_has({"nf_tables"}, places);
  const auto netem = kernel_has({"sch_netem", "sch_prio", "cls_fw"}, places);
  Action delay{.kind = Action::Kind::netem};
  delay.amounts["delay_us"] = 1000;
  Json out = Json::object();
  if (tables || !find_program("nft").empty()) {
    out["nf_tables"] = tables ? *tables : check_nft(means).has_value();
  }
  if (netem || !find_program("tc").empty()) {
    out["netem"] = netem ? *netem : check_netem(delay, means).has_value();
  }
  out["fanotify"] = check_held_opens(places.tried).has_value();
  out["pidfd"] = check_process_handles().has_value();
  return out;
}

}  // namespace harness::guard
