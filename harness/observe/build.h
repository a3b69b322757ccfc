// Which build of rke2 a node has on disk and which one runs. A node's kubelet version cannot tell a
// release candidate from its release; these can.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/cluster/node.h"

namespace harness::observe {

struct Installed {
  std::string version{};  // v1.30.13-rc2+rke2r1
  std::string commit{};
  bool standin = false;  // the lab's stand-in says that it is not the product
  std::string text{};    // all that it said
};

// Parses `rke2 version <tag> (<commit>)`, the first line of `rke2 --version`, and keeps the rest.
Result<Installed> parse_version_output(std::string_view text);
// `rke2 --version`, wherever the tarball or the package put it. not_supported: not installed.
Result<Installed> read_installed(cluster::Node& node, Deadline deadline);
// The tag of the build that runs, from the line `Starting rke2 [agent] <tag> (<commit>)` of the
// invocation; empty when the line is not in the journal (yet).
Result<std::string> running_build(cluster::Node& node,
                                  const std::string& invocation,
                                  Deadline deadline);
// Where <data-dir>/bin points: .../data/v1.30.13-rc2-rke2r1-<12 hex>/bin
Result<std::string> data_directory(cluster::Node& node, Deadline deadline);

}  // namespace harness::observe
