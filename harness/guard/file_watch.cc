#include "harness/guard/file_watch.h"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace harness::guard {
namespace {

constexpr std::uint32_t kManifestMask =
    IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kBundleMask =
    IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

Json stamped(Json fact) {
  const Now stamp = now();
  fact["wall_us"] = stamp.wall_us;
  fact["mono_us"] = stamp.mono_us;
  fact["boot_id"] = boot_id();
  return fact;
}

std::string uid_of(const std::string& manifest) {
  const std::string text = read_whole(manifest, 1U << 20U).value_or("");
  for (const char* key : {"\n  uid: ", "\"uid\": \"", "\"uid\":\""}) {
    const std::size_t at = text.find(key);
    if (at != std::string::npos) {
      const std::size_t from = text.find_first_not_of(" \"'", at + std::string_view(key).size());
      return from == std::string::npos
                 ? ""
                 : text.substr(from, text.find_first_of(" \"'\n", from) - from);
    }
  }
  return {};
}

Json to_fact(const Container& container, const char* op) {
  return stamped({{"type", "container"},
                  {"op", op},
                  {"pod", container.pod},
                  {"kind", container.kind},
                  {"id", container.id},
                  {"sandbox", container.sandbox},
                  {"pod_uid", container.pod_uid},
                  {"namespace", container.name_space},
                  {"pid", container.pid}});
}

}  // namespace

DirectoryWatch::DirectoryWatch(std::string path, std::uint32_t mask)
    : path_(std::move(path)), mask_(mask), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

DirectoryWatch::~DirectoryWatch() {
  close(inotify_);
}

bool DirectoryWatch::refresh() {
  if (watch_ >= 0) {
    return false;
  }
  watch_ = inotify_add_watch(inotify_, path_.c_str(), mask_ | IN_ONLYDIR);
  return watch_ >= 0;
}

std::vector<DirectoryWatch::Change> DirectoryWatch::changes() {
  std::vector<Change> out;
  alignas(inotify_event) char buffer[16384];
  ssize_t got = 0;
  while ((got = read(inotify_, buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
        if (event->wd == watch_) {
          inotify_rm_watch(inotify_, watch_);
          watch_ = -1;
        }
      } else {
        out.push_back({event->mask, event->len > 0 ? std::string(event->name) : std::string()});
      }
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  return out;
}

ManifestWatch::ManifestWatch(const std::string& data_dir)
    : watch_(data_dir + "/agent/pod-manifests", kManifestMask) {}

void ManifestWatch::tell(const char* op,
                         const std::string& file,
                         bool initial,
                         const Take& take) const {
  if (file.empty() || file.starts_with('.') || !file.ends_with(".yaml")) {
    return;
  }
  Json fact = stamped({{"type", "manifest"}, {"op", op}, {"file", file}});
  if (std::string_view(op) == "written") {
    fact["uid"] = uid_of(watch_.path() + "/" + file);
  }
  if (initial) {
    fact["initial"] = true;
  }
  take(std::move(fact));
}

void ManifestWatch::poll(bool initial, const Take& take) {
  if (watch_.refresh() && initial) {
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(watch_.path(), ignored)) {
      tell("written", item.path().filename().string(), true, take);
    }
  }
  for (const auto& change : watch_.changes()) {
    tell((change.mask & (IN_DELETE | IN_MOVED_FROM)) != 0 ? "removed" : "written",
         change.name,
         false,
         take);
  }
}

ContainerWatch::ContainerWatch(std::string root) : watch_(std::move(root), kBundleMask) {}

ContainerWatch::~ContainerWatch() {
  for (const auto& [id, container] : running_) {
    close(container.pidfd);
  }
}

bool ContainerWatch::adopt(const std::string& id, bool initial, const Take& take) {
  if (running_.contains(id)) {
    return true;
  }
  const std::string bundle = watch_.path() + "/" + id;
  const auto pid_text = read_whole(bundle + "/init.pid", 32);
  const auto config_text = read_whole(bundle + "/config.json", 4U << 20U);
  if (!pid_text || !config_text || pid_text->empty()) {
    return false;
  }
  const auto config = parse_json(*config_text);
  if (!config) {
    return false;
  }
  const Json annotations = config->value("annotations", Json::object());
  const std::string prefix = "io.kubernetes.cri.";
  const auto note = [&](const std::string& key) {
    return json_string(annotations, (prefix + key).c_str());
  };
  Container container{.id = id,
                      .pod = note("container-name"),
                      .kind = note("container-type"),
                      .sandbox = note("sandbox-id"),
                      .pod_uid = note("sandbox-uid"),
                      .name_space = note("sandbox-namespace"),
                      .pid = std::atoi(pid_text->c_str())};
  if (container.kind == "sandbox") {
    container.pod = note("sandbox-name");
  }
  container.pidfd = pidfd_open(container.pid);
  // A bundle left behind by a container that ended long ago names a process that is now somebody
  // else's.
  if (read_whole(fmt::format("/proc/{}/cgroup", container.pid)).value_or("").find(id) ==
      std::string::npos) {
    close(std::exchange(container.pidfd, -1));
  }
  container.start_ticks = start_ticks(container.pid);
  if (container.pidfd < 0) {
    return true;
  }
  Json fact = to_fact(container, "started");
  if (initial) {
    fact["initial"] = true;
  }
  running_.emplace(id, std::move(container));
  take(std::move(fact));
  return true;
}

void ContainerWatch::reap(const Take& take) {
  std::vector<pollfd> watched;
  std::vector<std::string> ids;
  for (const auto& [id, container] : running_) {
    watched.push_back({container.pidfd, POLLIN, 0});
    ids.push_back(id);
  }
  if (watched.empty() || ::poll(watched.data(), watched.size(), 0) <= 0) {
    return;
  }
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if (watched[i].revents != 0) {
      const auto ended = running_.find(ids[i]);
      take(to_fact(ended->second, "exited"));
      close(ended->second.pidfd);
      running_.erase(ended);
    }
  }
}

void ContainerWatch::poll(bool initial, const Take& take) {
  if (watch_.refresh()) {
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(watch_.path(), ignored)) {
      const std::string id = item.path().filename().string();
      if (!adopt(id, initial, take)) {
        pending_.insert(id);
      }
    }
  }
  for (const auto& change : watch_.changes()) {
    if ((change.mask & IN_DELETE) != 0) {
      pending_.erase(change.name);
    } else if (!change.name.empty() && !change.name.starts_with('.')) {
      pending_.insert(change.name);
    }
  }
  std::erase_if(pending_, [&](const std::string& id) { return adopt(id, initial, take); });
  reap(take);
}

const Container* ContainerWatch::running(const std::string& pod) const {
  const Container* best = nullptr;
  for (const auto& [id, container] : running_) {
    if (container.kind == "container" && container.pod == pod &&
        container.name_space == "kube-system" &&
        (best == nullptr || container.start_ticks > best->start_ticks)) {
      best = &container;
    }
  }
  return best;
}

}  // namespace harness::guard
