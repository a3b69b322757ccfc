#include "harness/lab/standin/cleanup.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "harness/base/time.h"
#include "harness/lab/standin/child.h"
#include "harness/lab/standin/cri.h"
#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

constexpr auto kPeriod = std::chrono::seconds(10);
constexpr auto kLimit = std::chrono::minutes(5);

const std::set<std::string> kAll = {"etcd",
                                    "kube-apiserver",
                                    "kube-controller-manager",
                                    "kube-scheduler",
                                    "cloud-controller-manager"};

// True when none of the components has a sandbox left.
bool remove_sandboxes(const Node& node, std::set<std::string>& components) {
  auto cri = Cri::connect(node.cri_endpoint());
  if (!cri) {
    logrus::warning("Failed to open CRI connection: {}", cri.error().message());
    return false;
  }
  const auto sandboxes = cri->list({{"io.kubernetes.pod.namespace", "kube-system"}});
  if (!sandboxes) {
    logrus::warning("Failed to list pods: {}", sandboxes.error().message());
    return false;
  }
  std::set<std::string> found;
  for (const auto& sandbox : *sandboxes) {
    const auto component = sandbox.labels.find("component");
    if (component == sandbox.labels.end() || components.count(component->second) == 0) {
      continue;
    }
    found.insert(component->second);
    logrus::info("Removing pod {}", sandbox.name);
    if (const auto removed = cri->remove(sandbox.id); !removed) {
      logrus::warning("Failed to remove pod {}: {}", sandbox.id, removed.error().message());
    }
  }
  components = found;
  return found.empty();
}

Status poll(const Node& node,
            std::set<std::string> components,
            const std::atomic<bool>& runtime_ended) {
  const Deadline deadline = Deadline::after(kLimit);
  do {
    paced(kPeriod, {});
    if (runtime_ended) {
      return fail(ErrorCode::internal, "temporary containerd process exited unexpectedly");
    }
    if (remove_sandboxes(node, components)) {
      return {};
    }
  } while (!deadline.passed());
  return fail(ErrorCode::timed_out, "static pod cleanup timed out");
}

}  // namespace

std::set<std::string> pods_to_clean_up(const Node& node) {
  const fs::path stamp = node.paths.data / "force-restart";
  std::error_code ignored;
  const bool forced = fs::remove(stamp, ignored);
  if (!fs::exists(node.paths.bin(), ignored) || !fs::exists(node.paths.manifests(), ignored)) {
    return {};
  }
  if (node.server && !fs::exists(node.paths.etcd_db() / "name", ignored)) {
    return forced ? kAll : std::set<std::string>{"etcd", "kube-apiserver"};
  }
  if (node.server && !forced) {
    return {};
  }
  for (const auto& component : kAll) {
    if (fs::exists(node.paths.manifests() / (component + ".yaml"), ignored)) {
      return kAll;
    }
  }
  return {};
}

Status clean_up_static_pods(const Node& node) {
  const std::set<std::string> components = pods_to_clean_up(node);
  if (components.empty()) {
    return {};
  }
  logrus::info("Static pod cleanup in progress");
  for (const auto& component : components) {
    std::error_code error;
    fs::remove(node.paths.manifests() / (component + ".yaml"), error);
    if (error) {
      return fail(ErrorCode::internal,
                  "unable to delete " + component + " manifest: " + error.message());
    }
  }
  std::atomic<pid_t> pid = 0;
  std::atomic<bool> ended = false;
  std::thread runtime;
  if (node.config.container_runtime_endpoint.empty()) {
    const fs::path agent = node.paths.agent();
    const fs::path log = agent / "containerd/containerd.log";
    logrus::info("Logging temporary containerd to {}", log.string());
    logrus::info("Running temporary containerd -c {}",
                 (agent / "etc/containerd/config.toml").string());
    runtime = std::thread([&, log, agent] {
      const std::string bin = node.paths.bin();
      run({{bin + "/containerd", "-c", agent / "etc/containerd/config.toml"},
           {{"PATH", bin + ":/usr/sbin:/usr/bin:/sbin:/bin"}},
           log},
          [&pid](pid_t value) { pid = value; });
      ended = true;
    });
  }
  const Status polled = poll(node, components, ended);
  if (runtime.joinable()) {
    if (pid > 0) {
      ::kill(pid, SIGKILL);
    }
    runtime.join();
  }
  if (polled) {
    logrus::info("Static pod cleanup completed successfully");
  }
  return polled;
}

}  // namespace harness::standin
