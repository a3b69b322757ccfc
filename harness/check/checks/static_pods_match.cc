// static-pods-match: one running sandbox per component, its UID the manifest's, a container in it,
// and the killed one replaced.

#include <algorithm>

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

Finding one_pod(const TrialFacts& facts, const std::string& node, const Json& pod) {
  const std::string name = json_string(pod, "pod");
  const std::string uid = json_string(pod, "manifest_uid");
  int ready = 0;
  for (const Json& sandbox : pod.value("sandboxes", Json::array())) {
    if (json_string(sandbox, "state") != "ready") {
      continue;
    }
    ++ready;
    if (json_string(sandbox, "uid") != uid) {
      return failed(fmt::format("{} on {} runs as {}, its manifest says {}",
                                name,
                                node,
                                json_string(sandbox, "uid"),
                                uid));
    }
  }
  if (ready != 1) {
    return failed(
        fmt::format("{} on {} has {} running sandboxes, one is wanted", name, node, ready));
  }
  const Json containers = pod.value("containers", Json::array());
  if (containers.empty()) {
    return failed(fmt::format("{} on {} has a sandbox and no running container", name, node));
  }
  const std::vector<Deed> deeds = facts.deeds();
  for (const Json& container : containers) {
    if (std::ranges::any_of(deeds, [&](const Deed& deed) {
          return !deed.fact->killed_container.empty() &&
                 json_string(container, "id") == deed.fact->killed_container;
        })) {
      return failed(fmt::format("{} on {}: the killed container still runs", name, node));
    }
  }
  return pass();
}

bool has(const Json& state, const std::string& pod) {
  return std::ranges::any_of(state.value("pods", Json::array()),
                             [&](const Json& one) { return json_string(one, "pod") == pod; });
}

// What was there before the upgrade is there after it.
Finding against_before(const TrialFacts& facts, const std::map<std::string, const Json*>& after) {
  const auto befores = facts.state("state.static-pods", "before");
  Finding worst = pass();
  for (const auto& [node, state] : after) {
    if (facts.read_state("state.static-pods", node, "before") == nullptr) {
      worst = unproven(fmt::format("the static pods of {} were not read before the upgrade", node));
    }
  }
  for (const auto& [node, before] : befores) {
    const auto now = after.find(node);
    if (now == after.end()) {
      worst = unproven(fmt::format("the static pods of {} were not read after the fault", node));
      continue;
    }
    if (now->second->contains("error")) {
      continue;  // said of the node already
    }
    for (const Json& pod : before->value("pods", Json::array())) {
      if (!has(*now->second, json_string(pod, "pod"))) {
        return failed(fmt::format("{} on {} is gone", json_string(pod, "pod"), node));
      }
    }
  }
  return worst;
}

Finding judge(const TrialFacts& facts) {
  const auto states = facts.state("state.static-pods");
  if (states.empty()) {
    return unproven("the static pods were not read after the fault");
  }
  std::size_t count = 0;
  bool all_read = true;
  Finding worst = pass();
  for (const auto& [node, state] : states) {
    if (state->contains("error")) {
      all_read = false;
      keep_worst(
          worst,
          unproven(fmt::format(
              "the static pods of {} could not be read: {}", node, json_string(*state, "error"))));
      continue;
    }
    for (const Json& pod : state->value("pods", Json::array())) {
      keep_worst(worst, one_pod(facts, node, pod));
      ++count;
    }
  }
  if (count == 0 && all_read) {
    return failed("no static pod is left");
  }
  keep_worst(worst, against_before(facts, states));
  return worst.verdict == Verdict::pass
             ? pass(fmt::format("{} static pods run as their manifests say", count))
             : worst;
}

}  // namespace

Check static_pods_match() {
  return {"static-pods-match", "Does each static pod run once, as its manifest says?", judge};
}

}  // namespace harness::check
