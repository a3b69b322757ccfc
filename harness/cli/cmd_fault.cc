// fault list, show, inject.

#include <memory>
#include <random>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/session.h"
#include "harness/fault/fault.h"
#include "harness/fault/injection.h"
#include "harness/observe/control_plane.h"
#include "harness/run/interrupt.h"

namespace harness::cli {
namespace {

struct Options {
  std::string name;
  std::string inventory;
  std::string node;
  std::vector<std::string> params;
  bool markdown = false;
};

int list(const Options& options) {
  if (options.markdown) {
    fmt::print("{}", fault::catalogue_markdown());
    return kPassed;
  }
  for (const auto& [name, spec] : fault::registry()) {
    fmt::print("{:<16} {}\n", name, spec.summary);
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
  fmt::print("{}", fault::show(found->second));
  return kPassed;
}

Result<int> inject(const Options& options, run::Interrupt& interrupt) {
  TRY_ASSIGN(const fault::Params params, fault::parse_params(options.params), "parameters");
  TRY_ASSIGN(const fault::Fault fault, fault::make_fault(options.name, params), "fault");
  TRY_ASSIGN(const Connected connected, connect_to_hurt(options.inventory), "inject");
  TRY_ASSIGN(cluster::Node * node, connected.cluster->node(options.node), "--node");
  const observe::Access access(connected.inventory.cluster, connected.cluster->nodes());
  const Deadline deadline = Deadline::after(std::chrono::minutes(2));
  TRY(fault::check_allowed(*node, connected.inventory.cluster, deadline), "inject");
  if (node->is_server()) {
    TRY(fault::check_budget(access, *node, fault, {}, deadline), "inject");
  }
  const std::string id = fmt::format("cli-{:08x}", std::random_device()());
  TRY(fault::arm(
          *node,
          fault,
          {.id = id, .run = id, .case_name = "inject", .cluster = connected.inventory.cluster},
          deadline),
      "inject");
  const auto outcome = fault::await(*node,
                                    connected.inventory.cluster,
                                    id,
                                    {},
                                    Deadline::after(std::chrono::minutes(5)),
                                    interrupt.token());
  const fault::HealReport healed = fault::heal(
      {node}, connected.inventory.cluster, id, {}, Deadline::after(std::chrono::minutes(2)));
  TRY(outcome, "inject");
  fmt::print("{}: {}: {}\n",
             node->name(),
             outcome->outcome,
             outcome->outcome == "applied" ? outcome->evidence : outcome->reason);
  for (const std::string& dirty : healed.dirty) {
    fmt::print("NOT HEALED {}\n", dirty);
  }
  return !healed.clean() ? kUnhealed : outcome->outcome == "applied" ? kPassed : kHarness;
}

}  // namespace

void add_fault(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("fault", "The faults: list them, explain one, inject one by hand");
  verb->require_subcommand(1);
  CLI::App* list_verb = verb->add_subcommand("list", "All faults, a line each");
  list_verb->add_flag("--markdown", options->markdown, "As the table of faults/README.md");
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
  inject_verb->callback([options, &action] {
    action = [options] {
      run::Interrupt interrupt;
      const auto done = inject(*options, interrupt);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
