// The beginning that verbs with `-i INVENTORY` share: read it, connect its nodes.
#pragma once

#include <memory>
#include <string>

#include "harness/cli/command.h"
#include "harness/cluster/cluster.h"
#include "harness/inventory/inventory.h"
#include "harness/run/session.h"

namespace harness::cli {

// Adds the required `-i,--inventory` option.
void inventory_option(CLI::App& verb, std::string& path);

struct Connected {
  inventory::Inventory inventory;
  std::unique_ptr<cluster::Cluster> cluster;
};

Result<Connected> connect(const std::string& inventory_path);
// As above, and refuses a cluster that the inventory does not call expendable.
Result<Connected> connect_to_hurt(const std::string& inventory_path);

// What every verb that runs trials starts from: where results go, and with --json nothing is shown.
run::RunOptions run_options(const std::string& results, bool json);
// --time-limit; an empty text is none.
Status set_time_limit(run::RunOptions& options, const std::string& text);

}  // namespace harness::cli
