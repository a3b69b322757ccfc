// doctor, allow: what concerns the nodes and no suite.

#include <algorithm>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/session.h"
#include "harness/exec/local_runner.h"
#include "harness/fault/injection.h"
#include "harness/run/doctor.h"

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
  std::vector<cluster::Unreachable> silent;
  auto cluster = cluster::Cluster::connect_reachable(
      *inventory, Deadline::after(std::chrono::minutes(1)), silent);
  if (!cluster) {
    return fail_with(cluster.error());
  }
  auto findings =
      run::examine(**cluster, {.need_allow = false}, Deadline::after(std::chrono::minutes(1)));
  exec::LocalRunner commands;
  std::ranges::move(
      run::examine_power(*inventory, commands, Deadline::after(std::chrono::minutes(1))),
      std::back_inserter(findings));
  for (const cluster::Unreachable& node : silent) {
    findings.push_back({run::Finding::Grade::blocking,
                        node.node,
                        "connection",
                        node.error.message(),
                        "see that it runs and that `ssh` in the inventory fits it"});
  }
  if (!inventory->expendable) {
    findings.push_back({run::Finding::Grade::limited,
                        "",
                        "inventory",
                        "the cluster is not expendable",
                        "verbs that hurt refuse until it says `expendable: true`"});
  }
  if (options.json) {
    print_json(run::to_json(findings));
  } else {
    print_out("{}{}\n",
              run::describe(findings, run::Finding::Grade::good),
              run::blocks(findings)
                  ? "Something stands in the way: see the lines above that say blocking."
                  : "Ready.");
  }
  return run::blocked_by(findings, run::kQuarantine) ? kUnhealed
         : run::blocks(findings)                     ? kHarness
                                                     : kPassed;
}

// Takes back what is armed, then everything of ours, then the mark.
Status release(cluster::Node& node, const std::string& cluster, const Deadline& deadline) {
  const fault::HealReport healed = fault::heal({&node}, cluster, "", {}, deadline);
  if (!healed.clean()) {
    return fail(ErrorCode::remote_failed, healed.dirty.front());
  }
  TRY(node.guard("release", {{"cluster", cluster}}, deadline), "release");
  return {};
}

int allow(const Options& options) {
  auto connected = connect_to_hurt(options.inventory);
  if (!connected) {
    return fail_with(connected.error());
  }
  const std::string& cluster = connected->inventory.cluster;
  Json out = Json::array();
  for (cluster::Node* node : connected->cluster->nodes()) {
    const Deadline deadline = Deadline::after(std::chrono::minutes(1));
    Status done;
    if (options.remove) {
      done = release(*node, cluster, deadline);
    } else if (auto marked = node->guard("allow", {{"cluster", cluster}}, deadline); !marked) {
      done = fail(marked.error());
    }
    if (!done) {
      return fail_with(Error(done.error()).prepend(node->name()));
    }
    out.push_back({{"node", node->name()}, {"marked", !options.remove}});
    if (!options.json) {
      print_out("{}: {}\n",
                node->name(),
                options.remove ? "nothing is armed; the mark, the guard and all of ours are removed"
                               : "marked as expendable for cluster " + cluster);
    }
  }
  if (options.json) {
    print_json(out);
  }
  return kPassed;
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
  verb->add_flag("--remove", options->remove, "Heal, then take away the mark and all of ours");
  verb->add_flag("--json", options->json, "As JSON");
  verb->callback([options, &action] { action = [options] { return allow(*options); }; });
}

}  // namespace harness::cli
