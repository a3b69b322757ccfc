#include "harness/cli/session.h"

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
  TRY(run::Session::allowed(inventory), "");
  return connect(inventory_path);
}

run::RunOptions run_options(const std::string& results, bool json) {
  run::RunOptions out;
  out.results = results;
  out.style = json ? run::Progress::Style::silent : run::Progress::detect(stdout);
  out.tool = "hookshot " HOOKSHOT_VERSION;
  return out;
}

Status set_time_limit(run::RunOptions& options, const std::string& text) {
  if (!text.empty()) {
    TRY_ASSIGN(options.time_limit, parse_duration(text), "--time-limit");
  }
  return {};
}

}  // namespace harness::cli
