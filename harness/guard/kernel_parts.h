// What the node's kernel has, or can load: looked up where the kernel and depmod say it, so that
// nothing is loaded by the look.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/system.h"

namespace harness::guard {

struct KernelPlaces {
  std::string loaded = "/sys/module";
  std::string modules;         // /lib/modules/<release>
  std::string tried = "/run";  // a directory in which nothing is changed

  static KernelPlaces of_this_kernel();
};

// All of these modules are loaded, built in or there to be loaded. None: nothing here tells, as in
// a container, which has its host's kernel and not its modules.
std::optional<bool> kernel_has(const std::vector<std::string>& modules, const KernelPlaces& places);

// not_supported where the kernel gives no handles of processes (Linux 5.3), without which none is
// watched or ended for sure. `open` is pidfd_open.
Status check_process_handles(const std::function<int(int)>& open = pidfd_open);

// The fact `kernel_parts`: {"nf_tables", "netem", "fanotify", "pidfd"}. fanotify is that the kernel
// asks before it opens a file; it is tried on `places.tried`. Where no list tells of the others,
// the packet filter is asked what it has, and netem is tried in a network of its own that is gone
// with the try; where the tool for it is missing, too, nothing is said.
Json kernel_parts(const KernelPlaces& places, const Means& means);

}  // namespace harness::guard
