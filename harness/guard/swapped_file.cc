#include "harness/guard/swapped_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness/guard/protocol.h"

namespace harness::guard {
namespace {

constexpr const char* kLabel = "security.selinux";

std::string label_of(const std::string& path) {
  char label[512];
  const ssize_t size = getxattr(path.c_str(), kLabel, label, sizeof label);
  return size > 0 ? std::string(label, static_cast<std::size_t>(size)) : std::string();
}

// Under a name that kubelet does not read, as it must be in the end.
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

std::string hidden_name(const std::string& path) {
  const std::size_t slash = path.rfind('/') + 1;
  return path.substr(0, slash) + ".hookshot-" + path.substr(slash);
}

enum class Placed { ours, taken };

// Into an empty place only: who was faster has it.
Result<Placed> place(const std::string& path, const std::string& content, const Json& held) {
  const std::string hidden = hidden_name(path);
  TRY(write_beside(hidden, content, held), "manifest");
  const int done = renameat2(AT_FDCWD, hidden.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  const int why = errno;
  if (done != 0) {
    unlink(hidden.c_str());
  }
  sync_directory(parent_directory(path));
  if (done != 0 && why != EEXIST) {
    return fail(ErrorCode::remote_failed,
                fmt::format("rename to {}: {}", path, std::strerror(why)));
  }
  return done == 0 ? Placed::ours : Placed::taken;
}

Status replace(const std::string& path, const std::string& content, const Json& held) {
  const std::string hidden = hidden_name(path);
  TRY(write_beside(hidden, content, held), "manifest");
  if (std::rename(hidden.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    unlink(hidden.c_str());
    return fail(ErrorCode::remote_failed, fmt::format("rename to {}: {}", path, why));
  }
  sync_directory(parent_directory(path));
  return {};
}

// In the place of exactly what we put there: should it be another file by now, that one stays.
Result<Placed> exchange(const std::string& path,
                        const std::string& content,
                        const std::string& ours,
                        const Json& held) {
  const std::string hidden = hidden_name(path);
  TRY(write_beside(hidden, content, held), "put back");
  const auto swap = [&] {
    return renameat2(AT_FDCWD, hidden.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0;
  };
  const bool swapped = swap();
  const std::string why = std::strerror(errno);
  const bool was_ours = swapped && read_whole(hidden, kSwapLimit).value_or("") == ours;
  const bool stands = was_ours || !swapped || swap();
  unlink(hidden.c_str());
  sync_directory(parent_directory(path));
  if (!swapped || !stands) {
    return fail(ErrorCode::remote_failed, fmt::format("exchange {}: {}", path, why));
  }
  return was_ours ? Placed::ours : Placed::taken;
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

// Also what a write in place that was cut off left.
bool is_ours(const std::string& current, const Json& held) {
  const std::string ours = json_string(held, "ours");
  return current == ours ||
         (json_bool(held, "in_place") && (ours.starts_with(current) || current.starts_with(ours)));
}

Result<std::string> forget(const std::string& before, std::string said) {
  if (unlink(before.c_str()) != 0 && errno != ENOENT) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("{}, but {} cannot be removed: {}", said, before, std::strerror(errno)));
  }
  sync_directory(parent_directory(before));
  return said;
}

Result<Placed> put_back(const std::string& path, const std::string& before, const Json& held) {
  if (!json_bool(held, "in_place")) {
    return exchange(path, before, json_string(held, "ours"), held);
  }
  TRY(write_in_place(path, before), "in place");
  return Placed::ours;
}

Result<std::string> theirs(const std::string& before, const std::string& path) {
  return forget(before, path + kWrittenAnew + ": left as it is");
}

}  // namespace

Result<Deed> swap_file(const std::string& path,
                       const std::string& before,
                       const std::optional<std::string>& fresh,
                       Json more,
                       const Means& means,
                       Swap how) {
  struct stat info {};

  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::remote_failed, path + " is no regular file; it is left alone");
  }
  TRY(write_durable(means.before, before), "keep " + path);
  more["boot_id"] = boot_id();
  more["path"] = path;
  more["mode"] = info.st_mode & 07777U;
  more["uid"] = info.st_uid;
  more["gid"] = info.st_gid;
  more["label"] = label_of(path);
  more["away"] = !fresh;
  more["in_place"] = how == Swap::in_place;
  more["ours"] = fresh.value_or("");
  TRY(means.note(more), "keep " + path);
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  if (fresh) {
    TRY(how == Swap::in_place ? write_in_place(path, *fresh) : replace(path, *fresh, more),
        "rewrite");
  } else if (unlink(path.c_str()) == 0) {
    sync_directory(parent_directory(path));
  } else {
    return fail(ErrorCode::remote_failed,
                fmt::format("take {} away: {}", path, std::strerror(errno)));
  }
  deed.effect = now();
  const auto after = read_whole(path, kSwapLimit);
  if (fresh ? !after || *after != *fresh : there(path)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} was changed, but somebody wrote it again at once", path));
  }
  return deed;
}

Result<std::string> release_swapped(const Json& held,
                                    const Means& means,
                                    const std::function<std::string()>& leave) {
  const std::string path = json_string(held, "path");
  TRY(check_path("path", path), "put back");
  if (!there(means.before)) {
    if (there(path)) {
      return path + " was put back before";
    }
    return fail(ErrorCode::remote_failed,
                fmt::format("{} is away, and so is its copy {}; restart {} on the node, which "
                            "writes it",
                            path,
                            means.before,
                            json_string(held, "unit")));
  }
  TRY_ASSIGN(const std::string before, read_whole(means.before, kSwapLimit), "the copy");
  if (!there(path)) {
    if (const std::string why = leave(); !why.empty()) {
      return forget(means.before, fmt::format("{} is left as it is: {}", path, why));
    }
    TRY_ASSIGN(const Placed placed, place(path, before, held), "put back");
    if (placed == Placed::taken) {
      return theirs(means.before, path);
    }
  } else {
    TRY_ASSIGN(const std::string current, read_whole(path, kSwapLimit), "look");
    if (current == before) {
      return forget(means.before, path + " is as it was");
    }
    if (json_bool(held, "away") || !is_ours(current, held)) {
      return theirs(means.before, path);
    }
    TRY_ASSIGN(const Placed placed, put_back(path, before, held), "put back");
    if (placed == Placed::taken) {
      return theirs(means.before, path);
    }
  }
  TRY_ASSIGN(const std::string after, read_whole(path, kSwapLimit), "read back");
  return after == before ? forget(means.before, path + " is back, read back")
                         : theirs(means.before, path);
}

}  // namespace harness::guard
