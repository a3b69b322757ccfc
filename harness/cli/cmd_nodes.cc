// doctor, allow, heal: what concerns the nodes and no suite.

#include <memory>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/cli/command.h"
#include "harness/cli/session.h"
#include "harness/fault/injection.h"
#include "harness/run/doctor.h"
#include "harness/run/interrupt.h"

namespace harness::cli {
namespace {

struct Options {
  std::string inventory;
  bool json = false;
  bool remove = false;
};

int doctor(const Options& options) {
  auto inventory = inventory::load(options.inventory);
  if (!inventory) {
    return fail_with(inventory.error());
  }
  auto cluster = cluster::Cluster::connect(*inventory, Deadline::after(std::chrono::minutes(1)));
  if (!cluster) {
    return fail_with(cluster.error());
  }
  auto findings =
      run::examine(**cluster, {.need_allow = false}, Deadline::after(std::chrono::minutes(1)));
  if (!inventory->expendable) {
    findings.push_back({run::Finding::Grade::limited,
                        "",
                        "inventory",
                        "the cluster is not expendable",
                        "verbs that hurt refuse until it says `expendable: true`"});
  }
  if (options.json) {
    fmt::print("{}\n", run::to_json(findings).dump(2));
  } else {
    fmt::print("{}{}\n",
               run::describe(findings, true),
               run::blocks(findings)
                   ? "Something stands in the way: see the lines above that say blocking."
                   : "Ready.");
  }
  return run::blocks(findings) ? kHarness : kPassed;
}

int allow(const Options& options) {
  auto connected = connect_to_hurt(options.inventory);
  if (!connected) {
    return fail_with(connected.error());
  }
  for (cluster::Node* node : connected->cluster->nodes()) {
    const auto done = node->guard(options.remove ? "disallow" : "allow",
                                  {{"cluster", connected->inventory.cluster}},
                                  Deadline::after(std::chrono::seconds(20)));
    if (!done) {
      return fail_with(Error(done.error()).prepend(node->name()));
    }
    fmt::print("{}: {}\n",
               node->name(),
               options.remove ? "mark removed"
                              : "marked as expendable for cluster " + connected->inventory.cluster);
  }
  return kPassed;
}

int heal(const Options& options) {
  auto connected = connect(options.inventory);
  if (!connected) {
    return fail_with(connected.error());
  }
  const fault::HealReport report = fault::heal(connected->cluster->nodes(),
                                               connected->inventory.cluster,
                                               "",
                                               {},
                                               Deadline::after(std::chrono::minutes(3)));
  if (options.json) {
    Json out = {{"records", Json::array()}, {"dirty", report.dirty}};
    for (const fault::HealedRecord& record : report.records) {
      out["records"].push_back({{"node", record.node},
                                {"id", record.id},
                                {"state", record.state},
                                {"summary", record.summary}});
    }
    fmt::print("{}\n", out.dump(2));
    return report.clean() ? kPassed : kUnhealed;
  }
  for (const fault::HealedRecord& record : report.records) {
    fmt::print("{}: {} {}: {}\n", record.node, record.id, record.state, record.summary);
  }
  for (cluster::Node* node : connected->cluster->nodes()) {
    const auto past = node->guard("status",
                                  {{"cluster", connected->inventory.cluster}},
                                  Deadline::after(std::chrono::seconds(20)));
    for (const Json& record : past ? *past : std::vector<Json>{}) {
      if (json_string(record, "type") == "record" && json_string(record, "state") == "VERIFIED" &&
          record.contains("reverted_from")) {
        fmt::print("{}: {} ({} of run {}) was {} and is undone: {}\n",
                   node->name(),
                   json_string(record, "id"),
                   json_string(record, "fault"),
                   json_string(record, "run"),
                   json_string(record, "reverted_from"),
                   json_string(record, "outcome"));
      }
    }
  }
  for (const std::string& dirty : report.dirty) {
    fmt::print("NOT HEALED {}\n", dirty);
  }
  if (report.clean()) {
    fmt::print("Every node is clean.\n");
  }
  return report.clean() ? kPassed : kUnhealed;
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "doctor", "Can everything be done on these nodes? Says what is missing and how to get it");
  inventory_option(*verb, options->inventory);
  verb->add_flag("--json", options->json, "Findings as JSON");
  verb->callback([options, &action] { action = [options] { return doctor(*options); }; });
}

void add_allow(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("allow", "Mark the nodes as expendable for this cluster");
  inventory_option(*verb, options->inventory);
  verb->add_flag("--remove", options->remove, "Take the mark away again");
  verb->callback([options, &action] { action = [options] { return allow(*options); }; });
}

void add_heal(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("heal", "Undo everything armed, verify, and say what was found");
  inventory_option(*verb, options->inventory);
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback([options, &action] { action = [options] { return heal(*options); }; });
}

}  // namespace harness::cli
