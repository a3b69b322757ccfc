#include "harness/lab/standin/sync.h"

#include <algorithm>

#include "harness/base/time.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/ticker.h"
#include "harness/lab/standin/yaml.h"

namespace harness::standin {

namespace {

constexpr auto kPeriod = std::chrono::seconds(20);
constexpr auto kLimit = std::chrono::minutes(30);

// One look; true when both pods are in place.
bool look(const Node& node) {
  auto cri = Cri::connect(node.cri_endpoint());
  if (!cri) {
    logrus::info("Waiting for cri connection: {}", cri.error().message());
    return false;
  }
  for (const char* pod : {"etcd", "kube-apiserver"}) {
    bool present = false;
    const std::string why =
        check_pod(*cri, node.paths.manifests() / (std::string(pod) + ".yaml"), present);
    if (!why.empty()) {
      logrus::info("Pod for {} not synced ({}), retrying", pod, why);
      return false;
    }
    if (present) {
      logrus::info("Pod for {} is synced", pod);
    }
  }
  return true;
}

}  // namespace

SandboxView view_of(const std::vector<Sandbox>& sandboxes) {
  const auto newest =
      std::max_element(sandboxes.begin(), sandboxes.end(), [](const auto& a, const auto& b) {
        return a.created_at < b.created_at;
      });
  if (newest == sandboxes.end()) {
    return {};
  }
  const auto ready =
      std::count_if(sandboxes.begin(), sandboxes.end(), [](const auto& one) { return one.ready; });
  return {ready != 1 || !newest->ready, newest->id};
}

std::string check_pod(SandboxRuntime& runtime,
                      const std::filesystem::path& manifest,
                      bool& present) {
  const auto text = machine::read_file(manifest);
  present = text.has_value();
  if (!present) {
    return {};
  }
  const std::string uid = uid_in(*text);
  if (uid.empty()) {
    return "failed to decode manifest: no uid";
  }
  const std::string component = manifest.stem();
  const auto all = runtime.list({{"component", component},
                                 {"io.kubernetes.pod.namespace", "kube-system"},
                                 {"tier", "control-plane"}});
  if (!all) {
    return "failed to list pod sandboxes: " + all.error().message();
  }
  std::vector<Sandbox> own;
  for (const auto& sandbox : *all) {
    const auto label = sandbox.labels.find("io.kubernetes.pod.uid");
    if (label == sandbox.labels.end() || label->second != uid) {
      continue;
    }
    const auto status = runtime.status(sandbox.id);
    if (!status && status.error().message().find("code = NotFound") != std::string::npos) {
      continue;
    }
    if (!status) {
      return "failed to get pod sandbox status: " + status.error().message();
    }
    own.push_back(*status);
  }
  const SandboxView view = view_of(own);
  bool removed = false;
  for (const auto& sandbox : *all) {
    const auto label = sandbox.labels.find("io.kubernetes.pod.uid");
    const bool of_pod = label != sandbox.labels.end() && label->second == uid;
    if (of_pod && (view.newest.empty() || view.newest == sandbox.id)) {
      continue;
    }
    removed = true;
    if (const auto done = runtime.remove(sandbox.id); !done) {
      logrus::warning("Failed to remove old {} pod sandbox: {}", component, done.error().message());
    }
  }
  if (removed) {
    return "waiting for termination of old pod sandbox";
  }
  if (view.new_needed) {
    return view.newest.empty() ? "pod sandbox not found" : "pod sandbox has changed";
  }
  return {};
}

void sync_static_pods(const Node& node) {
  const Deadline deadline = Deadline::after(kLimit);
  Ticker ticker(kPeriod);
  while (!look(node)) {
    if (deadline.passed()) {
      logrus::fatal("Failed waiting for static pods to sync: timed out waiting for the condition");
    }
    ticker.wait();
  }
}

}  // namespace harness::standin
