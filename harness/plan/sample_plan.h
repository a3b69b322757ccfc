// A suite, an inventory and what they may name, for tests.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/plan/plan.h"

namespace harness::plan {

inline const std::string kSource = HOOKSHOT_SOURCE_DIR;

inline Catalogue catalogue() {
  const auto takes = [](const std::string& name, const std::set<std::string>& keys) {
    return FaultInfo{name, name == "none", [name, keys](const Params& params) -> Result<Params> {
                       for (const auto& [key, value] : params) {
                         if (!keys.contains(key)) {
                           return fail(ErrorCode::invalid_input,
                                       "fault " + name + " has no parameter '" + key + "'");
                         }
                       }
                       return params;
                     }};
  };
  return {.faults = {{"none", takes("none", {})},
                     {"kill-pod", takes("kill-pod", {"pod", "how"})},
                     {"reboot", takes("reboot", {"how"})},
                     {"slow-service",
                      {"slow-service",
                       false,
                       [](Params params) -> Result<Params> {
                         params.emplace("percent", "10");
                         return params;
                       },
                       true}}},
          .checks = {"journal-clean", "nodes-ready", "restarts-explained"}};
}

inline inventory::Inventory lab(int servers = 1, int agents = 0) {
  inventory::Inventory out;
  out.cluster = "lab";
  out.file = "lab.yaml";
  for (int i = 1; i <= servers; ++i) {
    out.nodes.push_back({"cp-" + std::to_string(i), "192.0.2." + std::to_string(i), true, {}});
  }
  for (int i = 1; i <= agents; ++i) {
    out.nodes.push_back({"w-" + std::to_string(i), "192.0.2.2" + std::to_string(i), false, {}});
  }
  return out;
}

inline std::vector<WindowPack> packs() {
  return load_packs(kSource + "/suites/windows").value();
}

inline constexpr const char* kSuite =
    "suite: s\n"
    "question: q\n"
    "paths:\n"
    "  - {versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}\n"
    "matrix:\n"
    "  fault: [none, {kill-pod: {pod: etcd}}]\n"
    "  window: [static-pod-sync, start-up-hooks]\n"
    "  offset: [0%, 500ms]\n"
    "  target: [each-server]\n";

inline std::string changed(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace harness::plan
