// heal: what was armed is taken back, and power that was cut comes back.

#include <algorithm>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/base/json.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/session.h"
#include "harness/exec/local_runner.h"
#include "harness/fault/injection.h"
#include "harness/power/restore.h"

namespace harness::cli {
namespace {

struct Options {
  std::string inventory;
  bool json = false;
};

// What a node took back by itself since its controller was gone.
std::vector<Json> healed_alone(cluster::Node& node, const std::string& cluster) {
  std::vector<Json> out;
  const auto past =
      node.guard("status", {{"cluster", cluster}}, Deadline::after(std::chrono::seconds(20)));
  for (const Json& record : past ? *past : std::vector<Json>{}) {
    if (json_string(record, "type") == "record" && json_string(record, "state") == "VERIFIED" &&
        record.contains("reverted_from") &&
        json_string(record, "reverted_because") != fault::kAskedByController) {
      Json one = {{"node", node.name()}};
      for (const char* key :
           {"id", "fault", "run", "reverted_from", "reverted_because", "outcome"}) {
        one[key] = json_string(record, key);
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

void print_healed(const fault::HealReport& report, const std::vector<Json>& alone) {
  for (const fault::HealedRecord& record : report.records) {
    print_out("{}: {} {}: {}\n", record.node, record.id, record.state, record.summary);
  }
  for (const Json& record : alone) {
    print_out("{}: {} ({} of run {}) was {} and the node undid it by itself, as {}: {}\n",
              json_string(record, "node"),
              json_string(record, "id"),
              json_string(record, "fault"),
              json_string(record, "run"),
              json_string(record, "reverted_from"),
              json_string(record, "reverted_because", "its time was over"),
              json_string(record, "outcome"));
  }
  for (const std::string& dirty : report.dirty) {
    print_out("NOT HEALED {}\n", dirty);
  }
  if (report.clean()) {
    print_out("Every node is clean.\n");
  }
}

// Before any node is asked: one without power answers nobody.
std::vector<std::string> give_power_back(const inventory::Inventory& inventory,
                                         exec::CommandRunner& commands,
                                         fault::HealReport& report) {
  std::vector<std::string> booting;
  for (const power::Restored& one : power::restore(inventory,
                                                   commands,
                                                   power::Ledger::of(inventory.cluster),
                                                   Deadline::after(std::chrono::minutes(5)))) {
    report.records.push_back({.node = one.node,
                              .id = "power",
                              .state = one.ok ? "VERIFIED" : "DIRTY",
                              .summary = one.summary});
    if (!one.ok) {
      report.dirty.push_back(one.node + ": " + one.summary);
    }
    if (one.was_off && one.ok) {
      booting.push_back(one.node);
    }
  }
  return booting;
}

// Those that were given their power back take their time; nobody else is waited for.
Result<std::unique_ptr<cluster::Cluster>> connect_to_heal(
    const inventory::Inventory& inventory,
    const std::vector<std::string>& booting,
    std::vector<cluster::Unreachable>& silent) {
  Result<std::unique_ptr<cluster::Cluster>> cluster = fail(ErrorCode::internal, "not connected");
  const auto look = [&]() -> Result<Observation> {
    silent.clear();
    cluster = cluster::Cluster::connect_reachable(
        inventory, Deadline::after(std::chrono::minutes(1)), silent);
    const auto boots = std::ranges::find_if(silent, [&](const cluster::Unreachable& one) {
      return std::ranges::find(booting, one.node) != booting.end();
    });
    return Observation{.done = !cluster || boots == silent.end(),
                       .seen = boots == silent.end() ? "" : boots->error.message()};
  };
  // What stays silent is told with the rest.
  static_cast<void>(eventually("nodes that were without power answer",
                               Deadline::after(power::kBootLimit),
                               std::chrono::seconds(1),
                               look));
  return cluster;
}

int heal(const Options& options) {
  const auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  exec::LocalRunner commands;
  fault::HealReport power;
  const std::vector<std::string> booting = give_power_back(*inventory, commands, power);
  std::vector<cluster::Unreachable> silent;
  const auto cluster = connect_to_heal(*inventory, booting, silent);
  if (!cluster) {
    return fail_with(cluster.error());
  }
  fault::HealReport report = fault::heal(
      (*cluster)->nodes(), inventory->cluster, "", {}, Deadline::after(std::chrono::minutes(3)));
  report.records.insert(report.records.begin(), power.records.begin(), power.records.end());
  report.dirty.insert(report.dirty.begin(), power.dirty.begin(), power.dirty.end());
  for (const cluster::Unreachable& node : silent) {
    const bool told = std::ranges::find(power.records, node.node, &fault::HealedRecord::node) !=
                      power.records.end();
    const std::string off =
        told ? ""
             : power::off_without_entry(
                   *inventory, commands, node.node, Deadline::after(std::chrono::minutes(1)));
    report.dirty.push_back(node.error.message() + (off.empty() ? "" : "; " + off));
  }
  std::vector<Json> alone;
  for (cluster::Node* node : (*cluster)->nodes()) {
    std::ranges::move(healed_alone(*node, inventory->cluster), std::back_inserter(alone));
  }
  if (!options.json) {
    print_healed(report, alone);
    return report.clean() ? kPassed : kUnhealed;
  }
  Json out = {{"records", Json::array()}, {"healed_alone", alone}, {"dirty", report.dirty}};
  for (const fault::HealedRecord& record : report.records) {
    out["records"].push_back({{"node", record.node},
                              {"id", record.id},
                              {"state", record.state},
                              {"summary", record.summary}});
  }
  print_json(out);
  return report.clean() ? kPassed : kUnhealed;
}

}  // namespace

void add_heal(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("heal", "Undo everything armed, verify, and say what was found");
  inventory_option(*verb, options->inventory);
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback([options, &action] { action = [options] { return heal(*options); }; });
}

}  // namespace harness::cli
