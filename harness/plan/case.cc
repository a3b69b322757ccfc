#include <fmt/format.h>

#include "harness/plan/plan.h"

namespace harness::plan {

std::string name_of(const Case& cell) {
  std::string name =
      fmt::format("{}/{}_to_{}/{}", cell.suite, cell.from.tag(), cell.to.tag(), cell.fault);
  for (const auto& [key, value] : cell.params) {
    name += "." + value;
  }
  if (!cell.window.name.empty()) {
    name += fmt::format("/{}+{}", cell.window.name, format_duration(cell.offset));
  }
  return name + "/" + cell.target;
}

const std::vector<event::WindowDef>& Case::windows_on(bool server) const {
  static const Watched kNothing;
  const Watched& all = watched ? *watched : kNothing;
  return server ? all.on_servers : all.on_agents;
}

Json Case::to_json() const {
  Json parameters = Json::object();
  for (const auto& [key, value] : params) {
    parameters[key] = value;
  }
  return {{"name", name},
          {"suite", suite},
          {"path", {from.tag(), to.tag()}},
          {"expect", std::string(to_string(expect))},
          {"issue", issue},
          {"because", because},
          {"fatal", fatal},
          {"fault", fault},
          {"params", parameters},
          {"window", window.name},
          {"offset", format_duration(offset)},
          {"target", target},
          {"hits", hits},
          {"attempts", attempts}};
}

Json Plan::to_json() const {
  Json out = {{"seed", seed}, {"cases", Json::array()}, {"excluded", Json::array()}};
  for (const Case& cell : cases) {
    out["cases"].push_back(cell.to_json());
  }
  for (const Excluded& cell : excluded) {
    out["excluded"].push_back({{"name", cell.name}, {"reason", cell.reason}});
  }
  return out;
}

}  // namespace harness::plan
