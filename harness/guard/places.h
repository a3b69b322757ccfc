// Where the guard keeps things on the node. Tests give a root of their own.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::guard {

struct Places {
  std::string state = std::string(kStateDir);
  std::string run = std::string(kRunDir);
  std::string allow = std::string(kAllowFile);
  std::string units = "/etc/systemd/system";
  // An undo looks so long again at what it finds left of a fault: systemd and the kernel take a
  // moment.
  std::chrono::milliseconds settles{5'000};
  // How what must outlast a power cut is written.
  std::function<Status(const std::string& path, std::string_view content, Sync sync)> write =
      [](const std::string& path, std::string_view content, Sync sync) {
        return write_whole(path, content, sync);
      };

  static Places below(const std::string& root);
};

// The marker of the node: the cluster's name, or empty.
std::string allowed_cluster(const std::string& file = std::string(kAllowFile));
// refused unless the marker is exactly this cluster's.
Status check_allowed(const std::string& cluster, const std::string& file = std::string(kAllowFile));

}  // namespace harness::guard
