#include "harness/observe/pods.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "harness/base/time.h"
#include "harness/observe/ask.h"

namespace harness::observe {
namespace {

constexpr const char* kSocket = "/run/k3s/containerd/containerd.sock";
const Json kNoObject = Json::object();
constexpr const char* kPodUid = "io.kubernetes.pod.uid";
constexpr const char* kSandbox = "io.kubernetes.cri.sandbox-id";

std::vector<std::string> ctr(std::vector<std::string> rest) {
  std::vector<std::string> argv{"ctr", "--address", kSocket, "--namespace", "k8s.io"};
  argv.insert(
      argv.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  return argv;
}

// containerd writes nanoseconds; parse_wall reads microseconds.
std::int64_t created_us(const std::string& text) {
  std::string cut = text;
  const std::size_t dot = cut.find('.');
  const std::size_t zone = cut.find_first_of("Z+-", dot == std::string::npos ? 19 : dot);
  if (dot != std::string::npos && zone != std::string::npos) {
    std::string fraction = cut.substr(dot + 1, zone - dot - 1);
    fraction.resize(6, '0');
    cut = cut.substr(0, dot) + "." + fraction + cut.substr(zone);
  } else if (zone != std::string::npos) {
    cut.insert(zone, ".000000");
  }
  return parse_wall(cut).value_or(0);
}

const Json& member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kNoObject;
}

std::vector<std::string> list_of_containers() {
  return ctr(
      {"containers", "list", "--quiet", "labels.\"io.kubernetes.pod.namespace\"==\"kube-system\""});
}

// What was listed and cannot be read may have gone since. It is an error when it is still listed.
Status gone(cluster::Node& node,
            std::vector<std::string> list,
            const std::string& what,
            const Error& error,
            Deadline deadline) {
  if (error.code() != ErrorCode::remote_failed) {
    return fail(error);
  }
  TRY_ASSIGN(const std::string now, output_of(node, std::move(list), deadline), "list again");
  for (const std::string_view line : lines(now)) {
    if (trimmed(std::string(line)) == what) {
      return fail(error);
    }
  }
  return {};
}

std::string component_of(const cluster::Node& node, const Json& labels) {
  std::string component = json_string(labels, "component");
  if (component.empty()) {
    component = json_string(labels, "io.kubernetes.pod.name");
    const std::string suffix = "-" + node.name();
    if (component.ends_with(suffix)) {
      component.resize(component.size() - suffix.size());
    }
  }
  return component;
}

// `pid` is 0 when it does not run.
void place(std::map<std::string, StaticPod>& pods,
           const cluster::Node& node,
           const Json& info,
           std::int64_t pid) {
  const Json& labels = member(info, "Labels");
  const std::string id = json_string(info, "ID");
  if (json_string(labels, "io.cri-containerd.kind") == "sandbox") {
    const auto pod = pods.find(component_of(node, labels));
    if (pod != pods.end()) {
      pod->second.sandboxes.push_back(
          {.id = id, .pod_uid = json_string(labels, kPodUid), .ready = pid != 0});
    }
    return;
  }
  const auto pod = pods.find(json_string(labels, "io.kubernetes.container.name"));
  if (pod == pods.end() || pid == 0) {
    return;
  }
  pod->second.containers.push_back(
      {.id = id,
       .image = json_string(info, "Image"),
       .pid = pid,
       .started_wall_us = created_us(json_string(info, "CreatedAt")),
       .sandbox = json_string(member(member(info, "Spec"), "annotations"), kSandbox),
       .pod_uid = json_string(labels, kPodUid)});
}

Result<std::map<std::string, StaticPod>> read_manifests(cluster::Node& node, Deadline deadline) {
  const std::string folder = node.data_dir() + "/agent/pod-manifests";
  const std::vector<std::string> list{"ls", "-1", folder};
  TRY_ASSIGN(const std::string listing,
             output_of(node, list, deadline),
             "list the static pods' manifests");
  std::map<std::string, StaticPod> pods;
  for (const std::string_view line : lines(listing)) {
    const std::string file = trimmed(std::string(line));
    if (!file.ends_with(".yaml")) {
      continue;
    }
    auto text = node.read_file(folder + "/" + file, deadline);
    if (!text) {
      TRY(gone(node, list, file, text.error(), deadline), "read " + file);
      continue;
    }
    StaticPod pod;
    pod.pod = file.substr(0, file.size() - 5);
    pod.manifest_uid = manifest_uid(*text);
    pods.emplace(pod.pod, std::move(pod));
  }
  // Missed where they are not; an agent has neither.
  if (node.is_server()) {
    for (const char* always : {"etcd", "kube-apiserver"}) {
      pods[always].pod = always;
    }
  }
  return pods;
}

}  // namespace

Result<Json> StaticPods::container(const std::string& id, Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = containers_.find(id); known != containers_.end()) {
      return known->second;
    }
  }
  TRY_ASSIGN(
      const std::string text, output_of(node_, ctr({"containers", "info", id}), deadline), "");
  TRY_ASSIGN(const Json info, parse_json(text), "");
  Json kept = {{"ID", id},
               {"Image", json_string(info, "Image")},
               {"CreatedAt", json_string(info, "CreatedAt")},
               {"Labels", member(info, "Labels")}};
  kept["Spec"]["annotations"][kSandbox] =
      json_string(member(member(info, "Spec"), "annotations"), kSandbox);
  const std::lock_guard lock(mutex_);
  return containers_.insert_or_assign(id, std::move(kept)).first->second;
}

void StaticPods::keep_only(const std::vector<std::string>& ids) {
  const std::lock_guard lock(mutex_);
  std::erase_if(containers_,
                [&](const auto& one) { return std::ranges::find(ids, one.first) == ids.end(); });
}

Result<std::vector<StaticPod>> StaticPods::read(Deadline deadline) {
  TRY_ASSIGN(auto pods, read_manifests(node_, deadline), "");
  TRY_ASSIGN(const std::string tasks,
             output_of(node_, ctr({"tasks", "list"}), deadline),
             "ask containerd: list its tasks");
  std::map<std::string, std::int64_t> pids;
  for (const auto& [id, pid] : running_tasks(tasks)) {
    pids.emplace(id, pid);
  }
  TRY_ASSIGN(const std::string listing,
             output_of(node_, list_of_containers(), deadline),
             "ask containerd: list its containers");
  std::vector<std::string> ids;
  for (const std::string_view line : lines(listing)) {
    const std::string id = trimmed(std::string(line));
    if (id.empty()) {
      continue;
    }
    ids.push_back(id);
    const auto info = container(id, deadline);
    if (!info) {
      TRY(gone(node_, list_of_containers(), id, info.error(), deadline),
          "ask containerd: read container " + id);
      continue;
    }
    const auto pid = pids.find(id);
    place(pods, node_, *info, pid == pids.end() ? 0 : pid->second);
  }
  keep_only(ids);
  std::vector<StaticPod> all;
  for (auto& [name, pod] : pods) {
    all.push_back(std::move(pod));
  }
  return all;
}

}  // namespace harness::observe
