#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "harness/guard/file_watch.h"

namespace harness::guard {
namespace {

constexpr std::uint32_t kBundleMask =
    IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

Json to_fact(const Container& container, const char* op, const Now& stamp) {
  return stamped({{"type", "container"},
                  {"op", op},
                  {"pod", container.pod},
                  {"pod_name", container.pod_name},
                  {"static_pod", container.static_pod()},
                  {"kind", container.kind},
                  {"id", container.id},
                  {"sandbox", container.sandbox},
                  {"pod_uid", container.pod_uid},
                  {"namespace", container.name_space},
                  {"pid", container.pid}},
                 stamp);
}

}  // namespace

bool Container::static_pod() const {
  return kind == "container" && name_space == "kube-system" && !pod.empty() &&
         pod_name.size() > pod.size() + 1 && pod_name.starts_with(pod + "-") &&
         pod_uid.find('-') == std::string::npos;
}

ContainerWatch::ContainerWatch(Options options)
    : options_(std::move(options)), watch_(options_.root, kBundleMask, options_.read) {}

ContainerWatch::~ContainerWatch() {
  for (const auto& [id, container] : running_) {
    close(container.pidfd);
  }
}

// True when the pidfd is that of the container's own process.
bool ContainerWatch::hold(Container& container, const Take& take) {
  container.pidfd = options_.open_pidfd(container.pid);
  if (container.pidfd < 0) {
    if (errno != ESRCH && !std::exchange(told_problem_, true)) {
      take(stamped({{"type", "container-problem"},
                    {"line",
                     fmt::format("watch container {} of {}: pidfd_open of process {}: {}; "
                                 "containers are not seen on this node, which needs Linux 5.3",
                                 container.id.substr(0, 12),
                                 container.pod,
                                 container.pid,
                                 std::strerror(errno))}},
                   now()));
    }
    return false;
  }
  // A bundle left behind by a container that ended long ago names a process that is now somebody
  // else's.
  const auto cgroup = read_whole(fmt::format("{}/{}/cgroup", options_.proc, container.pid));
  if (cgroup.value_or("").find(container.id) == std::string::npos) {
    close(std::exchange(container.pidfd, -1));
    return false;
  }
  container.start_ticks = start_ticks(container.pid);
  return true;
}

bool ContainerWatch::adopt(const std::string& id, bool initial, const Take& take) {
  if (running_.contains(id)) {
    return true;
  }
  const std::string bundle = watch_.path() + "/" + id;
  const auto pid_text = read_whole(bundle + "/init.pid", 32);
  if (!pid_text || pid_text->empty()) {
    return false;
  }
  const Now stamp = now();
  const auto config_text = read_whole(bundle + "/config.json", 4U << 20U);
  if (!config_text) {
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
                      .pod_name = note("sandbox-name"),
                      .kind = note("container-type"),
                      .sandbox = note("sandbox-id"),
                      .pod_uid = note("sandbox-uid"),
                      .name_space = note("sandbox-namespace"),
                      .pid = std::atoi(pid_text->c_str())};
  if (container.kind == "sandbox") {
    container.pod = container.pod_name;
  }
  if (!hold(container, take)) {
    return true;
  }
  Json fact = to_fact(container, "started", stamp);
  if (initial) {
    fact["initial"] = true;
  }
  running_.emplace(id, std::move(container));
  take(std::move(fact));
  return true;
}

void ContainerWatch::wait_on(std::vector<pollfd>& watched) const {
  watched.push_back({watch_.fd(), POLLIN, 0});
  for (const auto& [id, container] : running_) {
    watched.push_back({container.pidfd, POLLIN, 0});
  }
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
  const Now stamp = now();
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if (watched[i].revents != 0) {
      const auto ended = running_.find(ids[i]);
      take(to_fact(ended->second, "exited", stamp));
      close(ended->second.pidfd);
      running_.erase(ended);
    }
  }
}

void ContainerWatch::poll(bool initial, const Take& take) {
  reap(take);
  for (const auto& change : watch_.changes()) {
    if ((change.mask & IN_DELETE) != 0) {
      pending_.erase(change.name);
    } else if (!change.name.empty() && !change.name.starts_with('.')) {
      pending_.insert(change.name);
    }
  }
  if (watch_.refresh() == DirectoryWatch::Sight::anew) {
    pending_.clear();
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(watch_.path(), ignored)) {
      pending_.insert(item.path().filename().string());
    }
  }
  std::erase_if(pending_, [&](const std::string& id) { return adopt(id, initial, take); });
}

const Container* ContainerWatch::running(const std::string& pod) const {
  const Container* best = nullptr;
  for (const auto& [id, container] : running_) {
    if (container.static_pod() && container.pod == pod &&
        (best == nullptr || container.start_ticks > best->start_ticks)) {
      best = &container;
    }
  }
  return best;
}

}  // namespace harness::guard
