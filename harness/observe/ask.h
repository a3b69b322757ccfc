// Small conveniences for running a plain argv on a node.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/result.h"
#include "harness/cluster/node.h"

namespace harness::observe {

inline exec::Command words(std::vector<std::string> argv) {
  exec::Command command;
  command.argv = std::move(argv);
  return command;
}

// Standard output of a command that must succeed; remote_failed carries what it said instead.
Result<std::string> output_of(cluster::Node& node,
                              std::vector<std::string> argv,
                              Deadline deadline);

// Without trailing line ends.
std::string trimmed(std::string text);

// Without their line feeds; views of `text`.
std::vector<std::string_view> lines(std::string_view text);

}  // namespace harness::observe
