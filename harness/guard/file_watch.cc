#include "harness/guard/file_watch.h"

#include <filesystem>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/data_dir.h"

namespace harness::guard {
namespace {

constexpr std::uint32_t kManifestMask =
    IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

std::string uid_of(const std::string& manifest) {
  for (const char* key : {"\n  uid: ", "\"uid\": \"", "\"uid\":\""}) {
    const std::size_t at = manifest.find(key);
    if (at != std::string::npos) {
      const std::size_t from =
          manifest.find_first_not_of(" \"'", at + std::string_view(key).size());
      return from == std::string::npos
                 ? ""
                 : manifest.substr(from, manifest.find_first_of(" \"'\n", from) - from);
    }
  }
  return {};
}

Json stamped(Json fact, const Now& stamp) {
  fact["wall_us"] = stamp.wall_us;
  fact["mono_us"] = stamp.mono_us;
  fact["boot_id"] = boot_id();
  return fact;
}

DirectoryWatch::DirectoryWatch(std::string path, std::uint32_t mask, Read read)
    : path_(std::move(path)),
      mask_(mask),
      read_(std::move(read)),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

DirectoryWatch::~DirectoryWatch() {
  close(inotify_);
}

DirectoryWatch::Sight DirectoryWatch::refresh() {
  if (watch_ >= 0) {
    return std::exchange(overflowed_, false) ? Sight::anew : Sight::same;
  }
  overflowed_ = false;
  watch_ = inotify_add_watch(inotify_, path_.c_str(), mask_ | IN_ONLYDIR);
  return watch_ >= 0 ? Sight::anew : Sight::absent;
}

void DirectoryWatch::lose() {
  inotify_rm_watch(inotify_, watch_);
  watch_ = -1;
}

std::vector<DirectoryWatch::Change> DirectoryWatch::changes() {
  std::vector<Change> out;
  alignas(inotify_event) char buffer[16384];
  ssize_t got = 0;
  while ((got = read_(inotify_, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        overflowed_ = true;
      } else if (event->wd == watch_) {
        if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
          lose();
        } else {
          out.push_back({event->mask, event->len > 0 ? std::string(event->name) : std::string()});
        }
      }
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return out;
}

ManifestWatch::ManifestWatch(const std::string& data_dir, DirectoryWatch::Read read)
    : watch_(manifests_in(data_dir), kManifestMask, std::move(read)) {}

ManifestWatch::Identity ManifestWatch::identity(const std::string& file) const {
  struct stat info {};

  if (stat((watch_.path() + "/" + file).c_str(), &info) != 0) {
    return {};
  }
  return {info.st_ino, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec, info.st_size};
}

void ManifestWatch::written(const std::string& file,
                            Told told,
                            const Now& stamp,
                            const Take& take) {
  if (file.starts_with('.') || !file.ends_with(".yaml")) {
    return;
  }
  const Identity found = identity(file);
  const auto known = known_.find(file);
  if (known != known_.end() && known->second == found && found != Identity{}) {
    return;
  }
  known_[file] = found;
  if (told == Told::silent) {
    return;
  }
  Json fact = stamped({{"type", "manifest"}, {"op", "written"}, {"file", file}}, stamp);
  fact["uid"] = uid_of(read_whole(watch_.path() + "/" + file, 1U << 20U).value_or(""));
  if (told == Told::initial) {
    fact["initial"] = true;
  }
  take(std::move(fact));
}

void ManifestWatch::removed(const std::string& file, const Now& stamp, const Take& take) {
  if (known_.erase(file) > 0) {
    take(stamped({{"type", "manifest"}, {"op", "removed"}, {"file", file}}, stamp));
  }
}

void ManifestWatch::compare(Told told, const Now& stamp, const Take& take) {
  std::set<std::string> present;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(watch_.path(), ignored)) {
    present.insert(item.path().filename().string());
  }
  const std::map<std::string, Identity> before = known_;
  for (const auto& [file, identity] : before) {
    if (!present.contains(file)) {
      removed(file, stamp, take);
    }
  }
  for (const std::string& file : present) {
    written(file, told, stamp, take);
  }
}

void ManifestWatch::poll(bool initial, const Take& take) {
  const auto changes = watch_.changes();
  const Now stamp = now();
  for (const auto& change : changes) {
    if ((change.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
      removed(change.name, stamp, take);
    } else {
      written(change.name, Told::news, stamp, take);
    }
  }
  const auto sight = watch_.refresh();
  if (sight == DirectoryWatch::Sight::anew ||
      (sight == DirectoryWatch::Sight::absent && !known_.empty())) {
    compare(began_ ? Told::news : initial ? Told::initial : Told::silent, stamp, take);
  }
  began_ = true;
}

}  // namespace harness::guard
