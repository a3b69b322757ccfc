#include "harness/lab/claim.h"

#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "harness/lab/state.h"

namespace harness::lab {

namespace fs = std::filesystem;

Result<exec::UniqueFd> lock(const fs::path& path, int how, const std::string& what) {
  exec::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return fail(ErrorCode::internal,
                fmt::format("open {}: {}", path.string(), std::strerror(errno)));
  }
  if (::flock(fd.get(), how) != 0) {
    return fail(ErrorCode::refused, "another `hookshot lab` command is working on " + what);
  }
  return fd;
}

Result<exec::UniqueFd> claim(const std::string& name) {
  std::error_code error;
  fs::create_directories(lab_folder(name), error);
  fs::permissions(lab_folder(name), fs::perms::owner_all, error);
  return lock(lab_folder(name), LOCK_EX | LOCK_NB, "lab " + name);
}

}  // namespace harness::lab
