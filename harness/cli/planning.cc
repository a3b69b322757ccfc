#include "harness/cli/planning.h"

#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "harness/aim/lengths.h"
#include "harness/check/check.h"
#include "harness/drift/known.h"
#include "harness/drift/packs.h"
#include "harness/fault/fault.h"

namespace harness::cli {

plan::FaultCatalogue fault_catalogue() {
  plan::FaultCatalogue out;
  for (const auto& [name, spec] : fault::registry()) {
    const fault::FaultSpec* known = &spec;
    out.emplace(std::string(name),
                plan::FaultInfo{
                    std::string(name),
                    name == "none",
                    [known](const plan::Params& params) { return fault::complete(*known, params); },
                    spec.stretches});
  }
  return out;
}

namespace {

std::string suites_directory() {
  const char* share = std::getenv("HOOKSHOT_SHARE");
  return std::string(share == nullptr ? HOOKSHOT_SOURCE_DIR : share) + "/suites";
}

std::string windows_directory() {
  return suites_directory() + "/windows";
}

}  // namespace

std::string shipped_suite(const std::string& name) {
  return suites_directory() + "/" + name + ".yaml";
}

Result<std::vector<plan::WindowPack>> window_packs() {
  return plan::load_packs(windows_directory());
}

Result<drift::Packs> drift_packs(const std::optional<inventory::Conditions>& conditions) {
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  TRY_ASSIGN(
      std::vector<std::string> known, drift::load_known(windows_directory() + "/lines"), "windows");
  return drift::packs_of(packs, std::move(known), conditions);
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
  if (!options.aimed) {
    return plan::make(loaded, inventory, packs, options);
  }
  plan::PlanOptions with_lengths = options;
  TRY_ASSIGN(aim::Lengths lengths,
             aim::Lengths::load(aim::Lengths::beside(inventory.file)),
             "learned lengths");
  std::set<std::string> servers;
  for (const inventory::Node& node : inventory.nodes) {
    if (node.server) {
      servers.insert(node.name);
    }
  }
  lengths.know_servers(std::move(servers));
  with_lengths.lengths = std::make_shared<const aim::Lengths>(std::move(lengths));
  return plan::make(loaded, inventory, packs, with_lengths);
}

}  // namespace harness::cli
