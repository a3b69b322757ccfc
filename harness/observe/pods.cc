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
constexpr std::string_view kUidKey = "  uid:";
constexpr const char* kPodUid = "io.kubernetes.pod.uid";

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    all.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return all;
}

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

struct Seen {
  Json info;
  std::int64_t pid = 0;  // 0: not running
};

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

Result<std::vector<Seen>> read_containers(cluster::Node& node, Deadline deadline) {
  TRY_ASSIGN(const std::string tasks,
             output_of(node, ctr({"tasks", "list"}), deadline),
             "list containerd's tasks");
  std::map<std::string, std::int64_t> pids;
  for (const auto& [id, pid] : running_tasks(tasks)) {
    pids.emplace(id, pid);
  }
  TRY_ASSIGN(const std::string ids,
             output_of(node, list_of_containers(), deadline),
             "list containerd's containers");
  std::vector<Seen> all;
  for (const std::string_view line : lines(ids)) {
    const std::string id = trimmed(std::string(line));
    if (id.empty()) {
      continue;
    }
    auto text = output_of(node, ctr({"containers", "info", id}), deadline);
    if (!text) {
      TRY(gone(node, list_of_containers(), id, text.error(), deadline), "read container " + id);
      continue;
    }
    TRY_ASSIGN(Json info, parse_json(*text), "read container " + id);
    const auto pid = pids.find(id);
    all.push_back({.info = std::move(info), .pid = pid == pids.end() ? 0 : pid->second});
  }
  return all;
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

void place(std::map<std::string, StaticPod>& pods, const cluster::Node& node, const Seen& seen) {
  const Json& labels = member(seen.info, "Labels");
  const std::string id = json_string(seen.info, "ID");
  if (json_string(labels, "io.cri-containerd.kind") == "sandbox") {
    const auto pod = pods.find(component_of(node, labels));
    if (pod != pods.end()) {
      pod->second.sandboxes.push_back(
          {.id = id, .pod_uid = json_string(labels, kPodUid), .ready = seen.pid != 0});
    }
    return;
  }
  const auto pod = pods.find(json_string(labels, "io.kubernetes.container.name"));
  if (pod == pods.end() || seen.pid == 0) {
    return;
  }
  const Json& annotations = member(member(seen.info, "Spec"), "annotations");
  pod->second.containers.push_back(
      {.id = id,
       .image = json_string(seen.info, "Image"),
       .pid = seen.pid,
       .started_wall_us = created_us(json_string(seen.info, "CreatedAt")),
       .sandbox = json_string(annotations, "io.kubernetes.cri.sandbox-id"),
       .pod_uid = json_string(labels, kPodUid)});
}

}  // namespace

bool StaticPod::matches() const {
  const auto ready = std::count_if(
      sandboxes.begin(), sandboxes.end(), [](const SandboxInfo& one) { return one.ready; });
  if (manifest_uid.empty() || ready != 1) {
    return false;
  }
  const auto mine = std::find_if(
      sandboxes.begin(), sandboxes.end(), [](const SandboxInfo& one) { return one.ready; });
  return mine->pod_uid == manifest_uid &&
         std::any_of(containers.begin(), containers.end(), [&](const ContainerInfo& one) {
           return one.sandbox == mine->id;
         });
}

std::string StaticPod::describe() const {
  if (matches()) {
    return pod + " runs as its manifest says";
  }
  if (manifest_uid.empty()) {
    return pod + " has no manifest";
  }
  const auto ready = std::count_if(
      sandboxes.begin(), sandboxes.end(), [](const SandboxInfo& one) { return one.ready; });
  return fmt::format("{}: manifest {}, {} ready sandboxes, {} running containers",
                     pod,
                     manifest_uid.substr(0, 8),
                     ready,
                     containers.size());
}

std::string manifest_uid(std::string_view text) {
  if (const auto json = parse_json(text); json && json->is_object()) {
    return json_string(member(*json, "metadata"), "uid");
  }
  bool in_metadata = false;
  for (const std::string_view line : lines(text)) {
    if (!line.empty() && line.front() != ' ' && line.front() != '#') {
      in_metadata = line.starts_with("metadata:");
      continue;
    }
    if (in_metadata && line.starts_with(kUidKey)) {
      std::string uid(line.substr(kUidKey.size()));
      std::erase_if(uid, [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\r'; });
      return uid;
    }
  }
  return {};
}

std::vector<std::pair<std::string, std::int64_t>> running_tasks(std::string_view text) {
  std::vector<std::pair<std::string, std::int64_t>> tasks;
  for (std::string_view line : lines(text)) {
    std::vector<std::string_view> fields;
    while (!line.empty()) {
      const std::size_t begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) {
        break;
      }
      line.remove_prefix(begin);
      const std::size_t end = line.find_first_of(" \t\r");
      fields.push_back(line.substr(0, end));
      line.remove_prefix(end == std::string_view::npos ? line.size() : end);
    }
    std::int64_t pid = 0;
    if (fields.size() == 3 && fields[2] == "RUNNING" &&
        std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), pid).ec ==
            std::errc()) {
      tasks.emplace_back(fields[0], pid);
    }
  }
  return tasks;
}

Result<std::vector<StaticPod>> read_static_pods(cluster::Node& node, Deadline deadline) {
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
  TRY_ASSIGN(const std::vector<Seen> containers, read_containers(node, deadline), "ask containerd");
  for (const Seen& seen : containers) {
    place(pods, node, seen);
  }
  std::vector<StaticPod> all;
  for (auto& [name, pod] : pods) {
    all.push_back(std::move(pod));
  }
  return all;
}

Json to_json(const StaticPod& pod) {
  Json json{{"pod", pod.pod},
            {"manifest_uid", pod.manifest_uid},
            {"sandboxes", Json::array()},
            {"containers", Json::array()}};
  for (const SandboxInfo& one : pod.sandboxes) {
    json["sandboxes"].push_back(
        {{"id", one.id}, {"uid", one.pod_uid}, {"state", one.ready ? "ready" : "not-ready"}});
  }
  for (const ContainerInfo& one : pod.containers) {
    json["containers"].push_back({{"id", one.id},
                                  {"image", one.image},
                                  {"pid", one.pid},
                                  {"started_wall_us", one.started_wall_us},
                                  {"sandbox", one.sandbox},
                                  {"uid", one.pod_uid}});
  }
  return json;
}

}  // namespace harness::observe
