#include "harness/guard/swapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/file_moves.h"
#include "harness/guard/protocol.h"
#include "harness/guard/swapped_place.h"

namespace harness::guard {
namespace {

constexpr int kLookMs = 200;

bool is_original(const std::string& path, const Json& held) {
  struct stat info {};

  // Not by its device, which can have another number after a reboot.
  return lstat(path.c_str(), &info) == 0 &&
         static_cast<std::int64_t>(info.st_ino) == json_int(held, "inode");
}

// Also what a write in place that was cut off left.
bool is_ours(const std::string& current, const Json& held) {
  const std::string ours = json_string(held, "ours");
  return current == ours ||
         (json_bool(held, "in_place") && (ours.starts_with(current) || current.starts_with(ours)));
}

Result<std::string> theirs(const std::string& aside, const std::string& path) {
  return forget(
      aside,
      path + kWrittenAnew +
          (there(path) ? ": left as it is" : ", or will be: it was removed, and stays so"));
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
                  fmt::format("{} is starting and writes {} itself, but has not for {} s; what was "
                              "there is kept as {}. `hookshot heal` again when it has started",
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
  Placed placed = Placed::taken;
  if (!json_bool(held, "away")) {
    TRY_ASSIGN(placed, exchange(path, aside, ours), "put back");
  } else {
    TRY(await_writer(path, aside, json_string(held, "unit"), writes, limit), "put back");
    if (!there(path)) {
      TRY_ASSIGN(placed, place(path, aside), "put back");
    }
  }
  return placed == Placed::ours && is_original(path, held)
             ? forget(aside, path + " is back, read back")
             : theirs(aside, path);
}

Result<std::string> release_in_place(const std::string& path,
                                     const std::string& copy,
                                     const Json& held,
                                     const std::string& hidden) {
  TRY_ASSIGN(const std::string before, read_whole(copy, kSwapLimit), "the copy");
  if (!there(path)) {
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

// Only when the record has that name: one that it has not would be nobody's, were the guard ended.
Status keep_above(const std::string& path, const std::string& aside, const Means& means) {
  const auto linked = second_name(path, aside);
  if (linked && *linked) {
    return {};
  }
  static_cast<void>(means.note(Json::object()));
  return fail(linked ? Error(ErrorCode::remote_failed,
                             fmt::format("{} is on another filesystem than {}; it is left alone",
                                         parent_directory(aside),
                                         path))
                     : linked.error());
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
  bool kept = true;
  if (how == Swap::in_place) {
    TRY(write_durable(aside, before), "keep " + path);
  } else {
    TRY_ASSIGN(kept, second_name(path, aside), "keep " + path);
    aside = kept ? aside : name_above(path, means.before);
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
  if (!kept) {
    TRY(keep_above(path, aside, means), "keep " + path);
  }
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  if (fresh) {
    TRY(how == Swap::in_place ? write_in_place(path, *fresh)
                              : replace(path, hidden_name(path, means.before), *fresh, more),
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
  TRY(check_swapped(held, aside, means.before), "put back");
  TRY(remove_hidden(path, means.before), "put back");
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
  return json_bool(held, "in_place")
             ? release_in_place(path, aside, held, hidden_name(path, means.before))
             : release_renamed(path, aside, held, writes, limit);
}

}  // namespace harness::guard
