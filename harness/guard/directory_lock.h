// A lock that is held by whoever has it, and by nobody once that process is gone.
#pragma once

#include <string>
#include <utility>

#include "harness/base/result.h"

namespace harness::guard {

// Holds a directory: nothing has to be made for it, so a full or read-only disk does not matter.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace harness::guard
