#include "harness/guard/directory_lock.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace harness::guard {

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int locked = fd < 0 ? -1 : flock(fd, LOCK_EX);
  while (fd >= 0 && locked != 0 && errno == EINTR) {
    locked = flock(fd, LOCK_EX);
  }
  if (locked == 0) {
    return DirectoryLock(fd);
  }
  const int problem = errno;
  close(fd);
  return fail(ErrorCode::remote_failed,
              fmt::format("lock {}: {}; nothing was done, as another guard may be at work there",
                          directory,
                          std::strerror(problem)));
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

}  // namespace harness::guard
