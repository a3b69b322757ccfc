// Suites and packs from files, faults from the registry: a plan.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/drift/survey.h"
#include "harness/plan/plan.h"

namespace harness::cli {

plan::FaultCatalogue fault_catalogue();
// The suite of that name beside the installed or checked-out tool; HOOKSHOT_SHARE overrides the
// place.
std::string shipped_suite(const std::string& name);
// The packs there.
Result<std::vector<plan::WindowPack>> window_packs();
// The same packs as `windows check` wants them, with the lines that mark nothing. `conditions`:
// what an inventory says of the node.
Result<drift::Packs> drift_packs(const std::optional<inventory::Conditions>& conditions = {});
// With the lengths that were learned beside the inventory, which what is not aimed does not need.
Result<plan::Plan> plan_suites(const std::vector<std::string>& suites,
                               const inventory::Inventory& inventory,
                               const plan::PlanOptions& options);

}  // namespace harness::cli
