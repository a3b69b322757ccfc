// Small JSON documents that a full disk must not cost: they go to the disk, and while the disk does
// not take them (ENOSPC, EDQUOT, EROFS, EIO) to memory, below /run. Readers get the newer of the
// two. A mirror ends with the boot; what must be true after a reboot is written with commit().
#pragma once

#include <string>
#include <vector>

#include "harness/guard/places.h"

namespace harness::guard {

class Mirror {
 public:
  explicit Mirror(const Places& places)
      : directory_(places.run + "/mirror"), write_(places.write) {}

  // To `path` on the disk, or else to memory. An error: to neither, or the directory of `path` is
  // not there.
  Status put(const std::string& key, const std::string& path, Json document, Sync sync) const;
  // To the disk alone.
  Status commit(const std::string& key, const std::string& path, Json document) const;
  Result<Json> get(const std::string& key, const std::string& path) const;
  // What is only in memory goes to the disk. The caller keeps other writers of this document away.
  Status fold(const std::string& key, const std::string& path) const;

  bool holds(const std::string& key) const;
  std::vector<std::string> keys() const;

  std::string file(const std::string& key) const { return directory_ + "/" + key + ".json"; }

 private:
  Status to_disk(const std::string& key, const std::string& path, const Json& stamped, Sync) const;

  std::string directory_;
  decltype(Places::write) write_;
};

}  // namespace harness::guard
