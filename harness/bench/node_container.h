// A container that containerd itself runs, so that `ctr task kill` has something to kill. The
// program on the node is all that is in it.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::bench {

// The container's OCI configuration. `rootfs` holds the program as /node and an empty /proc.
Json container_spec(const std::string& rootfs, const std::string& id, const Json& annotations);

class RealContainer {
 public:
  // The pid that containerd's shim writes to `pid_file`. not_supported: no `ctr` is on the node;
  // remote_failed with what it said. Also removes what a run that was killed has left.
  Result<int> start(const std::string& data_dir,
                    const Json& annotations,
                    const std::string& pid_file);
  // The process, the task and the container; nothing when none was started. remote_failed when
  // containerd still knows it.
  Status remove();

 private:
  std::string ctr_;
};

}  // namespace harness::bench
