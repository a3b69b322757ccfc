#include "harness/guard/file_moves.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness/guard/swapped_file.h"

namespace harness::guard {
namespace {

constexpr const char* kLabel = "security.selinux";

std::string name_of_ours(const std::string& path, const std::string& before) {
  return fmt::format(".hookshot-{}-{}",
                     std::filesystem::path(before).parent_path().filename().string(),
                     std::filesystem::path(path).filename().string());
}

}  // namespace

std::string label_of(const std::string& path) {
  char label[512];
  const ssize_t size = getxattr(path.c_str(), kLabel, label, sizeof label);
  return size > 0 ? std::string(label, static_cast<std::size_t>(size)) : std::string();
}

Status write_beside(const std::string& hidden, const std::string& content, const Json& held) {
  TRY(write_durable(hidden, content, static_cast<int>(json_int(held, "mode"))), "put back");
  const std::string label = json_string(held, "label");
  if (chown(hidden.c_str(),
            static_cast<uid_t>(json_int(held, "uid")),
            static_cast<gid_t>(json_int(held, "gid"))) != 0 ||
      (!label.empty() && setxattr(hidden.c_str(), kLabel, label.data(), label.size(), 0) != 0)) {
    const std::string why = std::strerror(errno);
    unlink(hidden.c_str());
    return fail(ErrorCode::remote_failed, fmt::format("owner and label of {}: {}", hidden, why));
  }
  return {};
}

std::string hidden_name(const std::string& path, const std::string& before) {
  return parent_directory(path) + "/" + name_of_ours(path, before);
}

Status remove_hidden(const std::string& path, const std::string& before) {
  const std::string name = name_of_ours(path, before);
  std::error_code problem;
  for (const auto& item : std::filesystem::directory_iterator(parent_directory(path), problem)) {
    const std::string found = item.path().filename().string();
    if ((found == name || found.starts_with(name + ".new")) && unlink(item.path().c_str()) != 0 &&
        errno != ENOENT) {
      return fail(
          ErrorCode::remote_failed,
          fmt::format(
              "remove {}, which a guard left: {}", item.path().string(), std::strerror(errno)));
    }
  }
  return {};
}

Result<Placed> place(const std::string& path, const std::string& aside) {
  const int done = renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  const int why = errno;
  sync_directory(parent_directory(path));
  sync_directory(parent_directory(aside));
  if (done != 0 && why != EEXIST) {
    return fail(ErrorCode::remote_failed,
                fmt::format("rename {} to {}: {}", aside, path, std::strerror(why)));
  }
  return done == 0 ? Placed::ours : Placed::taken;
}

Status replace(const std::string& path,
               const std::string& hidden,
               const std::string& content,
               const Json& held) {
  TRY(write_beside(hidden, content, held), "manifest");
  if (std::rename(hidden.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    unlink(hidden.c_str());
    return fail(ErrorCode::remote_failed, fmt::format("rename to {}: {}", path, why));
  }
  sync_directory(parent_directory(path));
  return {};
}

Result<Placed> exchange(const std::string& path,
                        const std::string& aside,
                        const std::string& ours) {
  const auto swap = [&] {
    return renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0;
  };
  const bool swapped = swap();
  const int error = errno;
  if (!swapped && error == ENOENT && !there(path)) {
    return Placed::taken;
  }
  const std::string why = std::strerror(error);
  const bool was_ours = swapped && read_whole(aside, kSwapLimit).value_or("") == ours;
  const bool stands = was_ours || !swapped || swap();
  sync_directory(parent_directory(path));
  sync_directory(parent_directory(aside));
  if (!swapped || !stands) {
    return fail(ErrorCode::remote_failed, fmt::format("exchange {} and {}: {}", aside, path, why));
  }
  return was_ours ? Placed::ours : Placed::taken;
}

std::string name_above(const std::string& path, const std::string& before) {
  return parent_directory(parent_directory(path)) + "/" + name_of_ours(path, before);
}

Result<bool> second_name(const std::string& path, const std::string& name) {
  if (link(path.c_str(), name.c_str()) == 0) {
    sync_directory(parent_directory(name));
    return true;
  }
  if (errno == EXDEV) {
    return false;
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("give {} the second name {}: {}", path, name, std::strerror(errno)));
}

bool is_same(const std::string& one, const std::string& other) {
  struct stat first {};

  struct stat second {};

  return lstat(one.c_str(), &first) == 0 && lstat(other.c_str(), &second) == 0 &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

Status write_in_place(const std::string& path, const std::string& content) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  const bool done = fd >= 0 &&
                    pwrite(fd, content.data(), content.size(), 0) == ssize_t(content.size()) &&
                    ftruncate(fd, static_cast<off_t>(content.size())) == 0 && fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  close(fd);
  return done ? Status()
              : fail(ErrorCode::remote_failed, fmt::format("write to {}: {}", path, why));
}

Result<std::string> forget(const std::string& aside, std::string said) {
  if (unlink(aside.c_str()) != 0 && errno != ENOENT) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}, but {} cannot be removed: {}", said, aside, std::strerror(errno)));
  }
  sync_directory(parent_directory(aside));
  return said;
}

}  // namespace harness::guard
