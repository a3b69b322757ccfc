// How a version gets onto a node's disk. Installing starts nothing and stops nothing: the restart
// is a step of its own, the operator's.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/version.h"
#include "harness/cluster/node.h"
#include "harness/observe/build.h"

namespace harness::upgrade {

using observe::Installed;

class InstallMethod {
 public:
  virtual ~InstallMethod() = default;

  virtual std::string_view name() const = 0;
  // All that can be checked on this machine, before any node is touched: invalid_input names the
  // file and what to do about it.
  virtual Status verify(const Version& version) const = 0;
  // Verifies, then installs. Safe to run again after any error; an error in the middle says in
  // which state the node is. So does a stop (refused), which ends a copy, and the installer as
  // Node::run ends a command.
  virtual Result<Installed> install(cluster::Node& node,
                                    const Version& version,
                                    Deadline deadline,
                                    std::stop_token stop) const = 0;
  // Takes away what install() left on the node so that the next one is quicker: the copies of the
  // releases, not what was installed.
  virtual Status clear(cluster::Node& node, Deadline deadline) const = 0;

  Result<Installed> install(cluster::Node& node, const Version& version, Deadline deadline) const {
    return install(node, version, deadline, {});
  }
};

// `method` as in the inventory; only "tarball" so far. Artifacts are in <artifacts>/<version>/.
Result<std::unique_ptr<InstallMethod>> make_install_method(std::string_view method,
                                                           std::filesystem::path artifacts);

}  // namespace harness::upgrade
