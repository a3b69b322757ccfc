#include "harness/cli/planning.h"

#include <cstdlib>

#include "harness/aim/lengths.h"
#include "harness/check/check.h"
#include "harness/drift/known.h"
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

namespace {

std::string suites_directory() {
  const char* share = std::getenv("HOOKSHOT_SHARE");
  return std::string(share == nullptr ? HOOKSHOT_SOURCE_DIR : share) + "/suites";
}

std::string windows_directory() {
  return suites_directory() + "/windows";
}

std::vector<drift::Expected> expected_of(const plan::WindowPack& pack,
                                         const Version& version,
                                         std::string_view role) {
  std::vector<drift::Expected> out;
  for (const plan::WindowPack::Entry& entry : pack.entries) {
    if (entry.role == role && entry.holds_for(version)) {
      out.push_back(
          {.window = entry.window, .conditional = entry.optional || !entry.condition.empty()});
    }
  }
  return out;
}

}  // namespace

std::string shipped_suite(const std::string& name) {
  return suites_directory() + "/" + name + ".yaml";
}

Result<std::vector<plan::WindowPack>> window_packs() {
  return plan::load_packs(windows_directory());
}

Result<drift::Packs> drift_packs() {
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  drift::Packs out;
  TRY_ASSIGN(out.known, drift::load_known(windows_directory() + "/lines"), "windows");
  for (const plan::WindowPack& pack : packs) {
    TRY_ASSIGN(const plan::Bound line, plan::Bound::parse("v" + pack.line), pack.file);
    out.lines.push_back({pack.line,
                         expected_of(pack, line.highest, "server"),
                         expected_of(pack, line.highest, "agent")});
  }
  out.of = [packs](const Version& version, bool server) -> Result<std::vector<drift::Expected>> {
    TRY_ASSIGN(const plan::WindowPack* pack, plan::pack_for(packs, version), "windows");
    return expected_of(*pack, version, server ? "server" : "agent");
  };
  return out;
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
  with_lengths.lengths = std::make_shared<const aim::Lengths>(std::move(lengths));
  return plan::make(loaded, inventory, packs, with_lengths);
}

}  // namespace harness::cli
