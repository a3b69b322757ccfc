#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "harness/observe/ask.h"
#include "harness/observe/pods.h"

namespace harness::observe {
namespace {

constexpr std::string_view kUidKey = "  uid:";

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
    return json_string(json->value("metadata", Json::object()), "uid");
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
