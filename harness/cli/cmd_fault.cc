// fault list, show, inject.

#include <memory>
#include <random>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/session.h"
#include "harness/cluster/facts.h"
#include "harness/cluster/lease.h"
#include "harness/exec/local_runner.h"
#include "harness/fault/fault.h"
#include "harness/fault/inject.h"
#include "harness/observe/control_plane.h"
#include "harness/power/control.h"
#include "harness/power/ledger.h"
#include "harness/run/interrupt.h"

namespace harness::cli {
namespace {

// One fault by hand is short: whoever follows a hookshot that died need not wait as for a run.
constexpr std::chrono::seconds kLease{20};

struct Options {
  std::string name;
  std::string inventory;
  std::string node;
  std::vector<std::string> params;
  bool markdown = false;
  bool json = false;
  bool allow_root_fill = false;
};

int list(const Options& options) {
  if (options.markdown) {
    print_out("{}", fault::catalogue_markdown());
    return kPassed;
  }
  Json all = Json::array();
  for (const auto& [name, spec] : fault::registry()) {
    if (options.json) {
      all.push_back({{"name", std::string(name)}, {"summary", std::string(spec.summary)}});
    } else {
      print_out("{:<16} {}\n", name, spec.summary);
    }
  }
  if (options.json) {
    print_json(all);
  }
  return kPassed;
}

int show(const Options& options) {
  const auto found = fault::registry().find(options.name);
  if (found == fault::registry().end()) {
    return fail_with(
        Error(ErrorCode::invalid_input,
              fmt::format("there is no fault '{}'; `hookshot fault list` has them", options.name)));
  }
  print_out("{}", fault::show(found->second));
  return kPassed;
}

void print_injected(const Options& options,
                    const std::string& node,
                    const fault::Injected& injected) {
  const auto& outcome = injected.outcome;
  const std::string what = outcome ? outcome->outcome : "error";
  const std::string why = !outcome                        ? outcome.error().message()
                          : outcome->outcome == "applied" ? outcome->evidence
                                                          : outcome->reason;
  if (options.json) {
    const Json out = {{"node", node},
                      {"outcome", what},
                      {"reason", why},
                      {"record", outcome ? outcome->record : Json()},
                      {"not_healed", injected.healed.dirty}};
    print_json(out);
    return;
  }
  print_out("{}: {}: {}\n", node, what, why);
  for (const std::string& dirty : injected.healed.dirty) {
    print_out("NOT HEALED {}\n", dirty);
  }
}

Result<int> inject(const Options& options, run::Interrupt& interrupt) {
  TRY_ASSIGN(const fault::Params params, fault::parse_params(options.params), "parameters");
  TRY_ASSIGN(const fault::Fault fault, fault::make_fault(options.name, params), "fault");
  TRY_ASSIGN(const Connected connected, connect_to_hurt(options.inventory), "inject");
  TRY_ASSIGN(cluster::Node * node, connected.cluster->node(options.node), "--node");
  const observe::Access access(connected.inventory.cluster, connected.cluster->nodes());
  const std::string id = fmt::format("cli-{:08x}", std::random_device()());
  TRY_ASSIGN(cluster::Node * first, connected.cluster->first_server(), "lease");
  auto lease = cluster::Lease::acquire(*first,
                                       {.cluster = connected.inventory.cluster,
                                        .holder = cluster::default_holder(),
                                        .epoch = id,
                                        .ttl = kLease,
                                        .renew_every = kLease / 4},
                                       Deadline::after(std::chrono::seconds(20)));
  if (!lease) {
    return fail(ErrorCode::remote_failed, "lease: " + lease.error().message());
  }
  exec::LocalRunner commands;
  const power::Ledger ledger = power::Ledger::of(connected.inventory.cluster);
  std::optional<power::Control> power;
  if (connected.inventory.power) {
    power.emplace(commands, *connected.inventory.power);
  }
  const auto injected = fault::inject(
      access,
      *node,
      {.fault = fault,
       .arm = {.id = id,
               .run = id,
               .case_name = "inject",
               .cluster = connected.inventory.cluster,
               .may_fill_root = options.allow_root_fill},
       .budget = {},
       .expendable = connected.inventory.expendable,
       .power = power ? std::optional(fault::PowerMeans{*power, ledger}) : std::nullopt,
       .tell =
           [&](fault::Step step) {
             fmt::print(stderr, "{}: {}: {}\n", node->name(), options.name, to_string(step));
           }},
      {},
      Deadline::after(fault::time_for(fault)),
      interrupt.token());
  static_cast<void>((*lease)->release(Deadline::after(std::chrono::seconds(5))));
  if (!injected) {
    // Refused, and perhaps for the sake of somebody else's fault that could not be taken back.
    const auto facts = cluster::ask_facts(
        *node, connected.inventory.cluster, Deadline::after(std::chrono::seconds(20)));
    const int status = fail_with(Error(injected.error()).prepend("inject"));
    return facts && facts->quarantine ? kUnhealed : status;
  }
  print_injected(options, node->name(), *injected);
  const auto& outcome = injected->outcome;
  return !injected->healed.clean()       ? kUnhealed
         : interrupt.exit_status() != 0  ? interrupt.exit_status()
         : !outcome                      ? complain(outcome.error())
         : outcome->outcome == "applied" ? kPassed
                                         : kHarness;
}

}  // namespace

void add_fault(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("fault", "The faults: list them, explain one, inject one by hand");
  verb->require_subcommand(1);
  CLI::App* list_verb = verb->add_subcommand("list", "All faults, a line each");
  CLI::Option* json = list_verb->add_flag("--json", options->json, "As JSON");
  list_verb->add_flag("--markdown", options->markdown, "As the table of faults/README.md")
      ->excludes(json);
  list_verb->callback([options, &action] { action = [options] { return list(*options); }; });
  CLI::App* show_verb = verb->add_subcommand(
      "show", "What a fault does, by which means, how it is proved and undone");
  show_verb->add_option("name", options->name, "The fault")->required();
  show_verb->callback([options, &action] { action = [options] { return show(*options); }; });
  CLI::App* inject_verb =
      verb->add_subcommand("inject", "Inject a fault now, prove it, and take it back");
  inject_verb->add_option("name", options->name, "The fault")->required();
  inject_verb->add_option("params", options->params, "Parameters as key=value");
  inject_verb->add_option("--node", options->node, "The node to hurt")->required();
  inventory_option(*inject_verb, options->inventory);
  inject_verb->add_flag("--json", options->json, "As JSON");
  inject_verb->add_flag(
      "--allow-root-fill", options->allow_root_fill, "fill-disk may fill a root filesystem");
  inject_verb->callback([options, &action] {
    action = [options] {
      run::Interrupt interrupt;
      const auto done = inject(*options, interrupt);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
