#include "harness/cli/session.h"

#include <fmt/format.h>

namespace harness::cli {

void inventory_option(CLI::App& verb, std::string& path) {
  verb.add_option("-i,--inventory",
                  path,
                  "The cluster's inventory (YAML; inventories/README.md has every key)")
      ->required();
}

Result<Connected> connect(const std::string& inventory_path) {
  Connected out;
  TRY_ASSIGN(out.inventory, inventory::load(inventory_path), "inventory");
  TRY_ASSIGN(out.cluster,
             cluster::Cluster::connect(out.inventory, Deadline::after(std::chrono::minutes(1))),
             "connect");
  return out;
}

Result<Connected> connect_to_hurt(const std::string& inventory_path) {
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(inventory_path), "inventory");
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                fmt::format("{}: the cluster is not expendable; only a cluster whose inventory "
                            "says `expendable: true` is hurt",
                            inventory_path));
  }
  return connect(inventory_path);
}

}  // namespace harness::cli
