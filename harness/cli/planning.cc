#include "harness/cli/planning.h"

#include <cstdlib>

#include "harness/check/check.h"
#include "harness/fault/fault.h"

namespace harness::cli {

plan::FaultCatalogue fault_catalogue() {
  plan::FaultCatalogue out;
  for (const auto& [name, spec] : fault::registry()) {
    const fault::FaultSpec* known = &spec;
    out.emplace(
        std::string(name),
        plan::FaultInfo{std::string(name), name == "none", [known](const plan::Params& params) {
                          return fault::complete(*known, params);
                        }});
  }
  return out;
}

Result<std::vector<plan::WindowPack>> window_packs() {
  const char* share = std::getenv("HOOKSHOT_SHARE");
  return plan::load_packs(std::string(share == nullptr ? HOOKSHOT_SOURCE_DIR : share) +
                          "/suites/windows");
}

Result<plan::Plan> plan_suites(const std::vector<std::string>& suites,
                               const inventory::Inventory& inventory,
                               const plan::PlanOptions& options) {
  plan::Catalogue catalogue{.faults = fault_catalogue(), .checks = {}};
  for (const check::Check& known : check::all_checks()) {
    catalogue.checks.emplace_back(known.name);
  }
  std::vector<plan::Suite> loaded;
  for (const std::string& path : suites) {
    TRY_ASSIGN(plan::Suite suite, plan::load_suite(path, catalogue), "read");
    loaded.push_back(std::move(suite));
  }
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  return plan::make(loaded, inventory, packs, options);
}

}  // namespace harness::cli
