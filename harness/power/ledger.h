// Which nodes may be without power by our doing: one file per node, on this machine's disk before
// the power is cut, and gone when it is on again.
//
// It is what `hookshot heal` goes by when the controller died in between. A node without power can
// undo nothing itself, and another machine does not have these files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/exec/unique_fd.h"

namespace harness::power {

struct Entry {
  std::string node;
  std::string id;   // of the guard's record
  std::string run;  // whose fault it is
  std::int64_t noted_us = 0;
  bool held = false;  // the process that noted it is alive, and at it
};

class Ledger {
 public:
  explicit Ledger(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // ${XDG_STATE_HOME:-~/.local/state}/hookshot/power/<cluster>
  static Ledger of(const std::string& cluster);

  // On the disk when it returns. A node has one entry; a later one takes its place. What is
  // returned marks it as held until it is closed, which the kernel does when the process dies.
  Result<exec::UniqueFd> note(const Entry& entry) const;
  // No entry is fine.
  Status forget(const std::string& node) const;
  // A file that cannot be read is an entry of its node all the same.
  std::vector<Entry> entries() const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path file_of(const std::string& node) const {
    return folder_ / (node + ".json");
  }

  std::filesystem::path folder_;
};

}  // namespace harness::power
