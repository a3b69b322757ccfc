// lab power: a lab node's power, as the inventory's `power` of a lab has it.

#include <memory>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/exec/local_runner.h"
#include "harness/lab/power.h"

namespace harness::cli {
namespace {

struct Options {
  std::string name = "lab";
  std::string what;
  std::string node;
};

int power(const Options& options) {
  exec::LocalRunner runner;
  Status done;
  if (options.what == "off") {
    done = lab::power_off(options.name, options.node);
  } else if (options.what == "on") {
    done = lab::power_on(runner, options.name, options.node);
  }
  if (!done) {
    return fail_with(done.error());
  }
  const auto on = lab::power_state(options.name, options.node);
  if (!on) {
    return fail_with(on.error());
  }
  print_out("{}\n", *on ? "on" : "off");
  return kPassed;
}

}  // namespace

void add_lab_power(CLI::App& lab, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = lab.add_subcommand(
      "power", "Cut a node's power, give it back, or say which it is; prints on or off");
  verb->add_option("--name", options->name, "The lab's name")->capture_default_str();
  verb->add_option("what", options->what, "off, on or state")
      ->required()
      ->check(CLI::IsMember({"off", "on", "state"}));
  verb->add_option("node", options->node, "The node")->required();
  verb->callback([options, &action] { action = [options] { return power(*options); }; });
}

}  // namespace harness::cli
