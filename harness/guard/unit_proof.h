// Can systemd run the guard at all? Where SELinux is enforcing it may not, though root in a login
// can: then a timer is active whose service never runs, and nothing would be undone.
#pragma once

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/guard/protocol.h"

namespace harness::guard {

// What systemd is to run, and what else has a say in it.
struct GuardFile {
  std::string path = std::string(kGuardPath);
  std::string enforce = "/sys/fs/selinux/enforce";
};

// not_supported, with systemd's reason and what to do, where it cannot. Tried by a unit that does
// nothing and is gone with the try, once in a boot for this file as it is: what proved it is kept
// in `run`, where that folder is there.
Status check_units_run(const std::string& run, const GuardFile& guard = {});
std::vector<std::string> proof_command(const std::string& unit, const GuardFile& guard);

}  // namespace harness::guard
