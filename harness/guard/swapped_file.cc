#include "harness/guard/swapped_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/protocol.h"

namespace harness::guard {
namespace {

constexpr const char* kLabel = "security.selinux";
constexpr int kLookMs = 200;

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

// Into an empty place only: who was faster has it. A rename alone, which a full disk allows.
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
                        const std::string& aside,
                        const std::string& ours) {
  const auto swap = [&] {
    return renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0;
  };
  const bool swapped = swap();
  const std::string why = std::strerror(errno);
  const bool was_ours = swapped && read_whole(aside, kSwapLimit).value_or("") == ours;
  const bool stands = was_ours || !swapped || swap();
  sync_directory(parent_directory(path));
  sync_directory(parent_directory(aside));
  if (!swapped || !stands) {
    return fail(ErrorCode::remote_failed, fmt::format("exchange {} and {}: {}", aside, path, why));
  }
  return was_ours ? Placed::ours : Placed::taken;
}

// A second name of the file itself, on its own filesystem and out of the folder that kubelet reads:
// what is put back is the original, and takes no space.
Result<std::string> second_name(const std::string& path, const std::string& before) {
  if (link(path.c_str(), before.c_str()) == 0) {
    return before;
  }
  const std::string id = std::filesystem::path(before).parent_path().filename().string();
  const std::filesystem::path file(path);
  const std::string aside = (file.parent_path().parent_path() /
                             fmt::format(".hookshot-{}-{}", id, file.filename().string()))
                                .string();
  if (errno != EXDEV || link(path.c_str(), aside.c_str()) != 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("a second name for {}: {}", path, std::strerror(errno)));
  }
  return aside;
}

bool is_same(const std::string& one, const std::string& other) {
  struct stat first {};

  struct stat second {};

  return lstat(one.c_str(), &first) == 0 && lstat(other.c_str(), &second) == 0 &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

bool is_original(const std::string& path, const Json& held) {
  struct stat info {};

  // Not by its device, which can have another number after a reboot.
  return lstat(path.c_str(), &info) == 0 &&
         static_cast<std::int64_t>(info.st_ino) == json_int(held, "inode");
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

Result<std::string> forget(const std::string& aside, std::string said) {
  if (unlink(aside.c_str()) != 0 && errno != ENOENT) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}, but {} cannot be removed: {}", said, aside, std::strerror(errno)));
  }
  sync_directory(parent_directory(aside));
  return said;
}

Result<std::string> theirs(const std::string& aside, const std::string& path) {
  return forget(aside, path + kWrittenAnew + ": left as it is");
}

Status await_writer(const std::string& path,
                    const std::string& aside,
                    const std::string& unit,
                    const std::function<bool()>& writes,
                    std::chrono::milliseconds limit) {
  const Deadline deadline = Deadline::after(limit);
  while (!there(path) && writes()) {
    if (deadline.passed()) {
      return fail(ErrorCode::timed_out,
                  fmt::format("{} began anew and writes {} itself, but has not for {} s and is "
                              "still starting; what was there is kept as {}. `hookshot heal` again "
                              "when it has started",
                              unit,
                              path,
                              limit.count() / 1000,
                              aside));
    }
    static_cast<void>(::poll(nullptr, 0, kLookMs));
  }
  return {};
}

// An exchange that was cut off: by now the original stands there, and what it was exchanged for is
// aside, be it ours or a third one's that has to go back.
Result<std::string> finish_exchange(const std::string& path,
                                    const std::string& aside,
                                    const std::string& ours) {
  if (is_same(path, aside) || read_whole(aside, kSwapLimit).value_or("") == ours) {
    return forget(aside, path + " is as it was");
  }
  if (renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("exchange {} and {}: {}", aside, path, std::strerror(errno)));
  }
  return theirs(aside, path);
}

Result<std::string> release_renamed(const std::string& path,
                                    const std::string& aside,
                                    const Json& held,
                                    const std::function<bool()>& writes,
                                    std::chrono::milliseconds limit) {
  const std::string ours = json_string(held, "ours");
  if (is_original(path, held)) {
    return finish_exchange(path, aside, ours);
  }
  if (const auto current = read_whole(path, kSwapLimit);
      current && *current == read_whole(aside, kSwapLimit)) {
    return forget(aside, path + " is as it was");
  }
  TRY(await_writer(path, aside, json_string(held, "unit"), writes, limit), "put back");
  Placed placed = Placed::taken;
  if (!there(path)) {
    TRY_ASSIGN(placed, place(path, aside), "put back");
  } else if (!json_bool(held, "away")) {
    TRY_ASSIGN(placed, exchange(path, aside, ours), "put back");
  }
  return placed == Placed::ours && is_original(path, held)
             ? forget(aside, path + " is back, read back")
             : theirs(aside, path);
}

Result<std::string> release_in_place(const std::string& path,
                                     const std::string& copy,
                                     const Json& held) {
  TRY_ASSIGN(const std::string before, read_whole(copy, kSwapLimit), "the copy");
  if (!there(path)) {
    const std::string hidden = hidden_name(path);
    TRY(write_beside(hidden, before, held), "put back");
    const auto placed = place(path, hidden);
    unlink(hidden.c_str());
    TRY(placed, "put back");
  }
  TRY_ASSIGN(const std::string current, read_whole(path, kSwapLimit), "look");
  if (current == before) {
    return forget(copy, path + " is as it was");
  }
  if (!is_ours(current, held)) {
    return theirs(copy, path);
  }
  TRY(write_in_place(path, before), "in place");
  TRY_ASSIGN(const std::string after, read_whole(path, kSwapLimit), "read back");
  return after == before ? forget(copy, path + " is back, read back") : theirs(copy, path);
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
  std::string aside = means.before;
  if (how == Swap::in_place) {
    TRY(write_durable(aside, before), "keep " + path);
  } else {
    TRY_ASSIGN(aside, second_name(path, means.before), "keep " + path);
    sync_directory(parent_directory(aside));
    lstat(path.c_str(), &info);
  }
  more["boot_id"] = boot_id();
  more["path"] = path;
  more["aside"] = aside;
  more["inode"] = info.st_ino;
  more["mode"] = info.st_mode & 07777U;
  more["uid"] = info.st_uid;
  more["gid"] = info.st_gid;
  more["label"] = label_of(path);
  more["away"] = !fresh;
  more["in_place"] = how == Swap::in_place;
  more["ours"] = fresh.value_or("");
  if (const Status noted = means.note(more); !noted) {
    unlink(aside.c_str());
    return fail(noted.error().code(), fmt::format("keep {}: {}", path, noted.error().message()));
  }
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
                                    const std::function<bool()>& writes,
                                    std::chrono::milliseconds limit) {
  const std::string path = json_string(held, "path");
  const std::string aside = json_string(held, "aside", means.before);
  TRY(check_path("path", path), "put back");
  TRY(check_path("aside", aside), "put back");
  if (!there(aside)) {
    if (there(path)) {
      return path + " was put back before";
    }
    return fail(ErrorCode::remote_failed,
                fmt::format("{} is away, and so is what was there, {}; restart {} on the node, "
                            "which writes it",
                            path,
                            aside,
                            json_string(held, "unit")));
  }
  return json_bool(held, "in_place") ? release_in_place(path, aside, held)
                                     : release_renamed(path, aside, held, writes, limit);
}

}  // namespace harness::guard
