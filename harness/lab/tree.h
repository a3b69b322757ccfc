// The files that make a copy of the node image one certain node. Pure: made by up() in the upper
// folder of the node's overlay before the node boots for the first time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/state.h"

namespace harness::lab {

struct TreeFile {
  std::filesystem::path path;  // below the node's root, without a leading slash
  std::string text;
  int mode = 0644;
  int owner = 0;  // user and group
};

// The first user that the image's recipe adds.
inline constexpr int kRancher = 1000;

// `client_key` is the public half of the lab's key. A bare node has no configuration of RKE2.
std::vector<TreeFile> node_tree(const Record& record,
                                const NodePlan& node,
                                const std::string& client_key);

// Folders on the way are made with mode 0755, folders named .ssh with 0700, and belong to the
// file's owner from its home on.
Status write_tree(const std::filesystem::path& root, const std::vector<TreeFile>& files);

}  // namespace harness::lab
