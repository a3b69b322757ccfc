// lab up, prepare, status, down, ssh, logs.

#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/lab/lab.h"
#include "harness/run/interrupt.h"

namespace harness::cli {
namespace {

struct Options {
  lab::UpOptions up;
  std::string inventory;
  std::string artifacts;
  std::string name = "lab";
  std::string node;
  std::vector<std::string> words;
  bool follow = false;
  bool json = false;
};

void say(std::string_view text) {
  print_out("{}\n", text);
  std::fflush(stdout);
}

int up(const Options& options) {
  run::Interrupt interrupt;
  lab::UpOptions wanted = options.up;
  wanted.name = options.name;
  wanted.inventory = options.inventory;
  wanted.artifacts = options.artifacts;
  wanted.progress = say;
  wanted.stop = interrupt.token();
  const auto state = lab::up(wanted);
  if (!state) {
    return interrupt.exit_status() != 0 ? interrupt.exit_status() : fail_with(state.error());
  }
  print_out("The lab is up. Inventory: {}\n", state->inventory.string());
  return kPassed;
}

int prepare(const Options& options) {
  run::Interrupt interrupt;
  lab::UpOptions wanted = options.up;
  wanted.artifacts = options.artifacts;
  wanted.progress = say;
  wanted.stop = interrupt.token();
  const Status done = lab::prepare(wanted);
  if (!done) {
    return interrupt.exit_status() != 0 ? interrupt.exit_status() : fail_with(done.error());
  }
  print_out("The cache has all that a lab needs.\n");
  return kPassed;
}

int status(const Options& options) {
  const auto state = lab::status(options.name);
  if (!state) {
    return fail_with(state.error());
  }
  Json nodes = Json::array();
  for (const lab::NodeState& node : state->nodes) {
    if (!options.json) {
      print_out("{:<8} {:<7} {:<15} {:<9} {} {} {}\n",
                node.name,
                node.role,
                node.address,
                node.vm ? "machine" : "container",
                node.running ? "running" : "down",
                node.answers ? "answers" : "silent",
                node.unit);
    }
    nodes.push_back({{"name", node.name},
                     {"role", node.role},
                     {"address", node.address},
                     {"vm", node.vm},
                     {"running", node.running},
                     {"answers", node.answers},
                     {"boot_id", node.boot_id},
                     {"unit", node.unit}});
  }
  if (options.json) {
    print_json({{"name", state->name},
                {"version", state->version},
                {"inventory", state->inventory.string()},
                {"nodes", nodes}});
  }
  return kPassed;
}

int down(const Options& options) {
  const auto done = lab::down(options.name, say);
  if (!done) {
    return fail_with(done.error());
  }
  print_out("{}\n",
            *done ? "The lab is down; nothing of it is left." : "There was no lab of that name.");
  return kPassed;
}

int become(const Result<std::vector<std::string>>& command) {
  if (!command) {
    return fail_with(command.error());
  }
  std::vector<char*> argv;
  for (const std::string& word : *command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  return fail_with(Error(ErrorCode::not_supported, command->front() + " is not on this machine"));
}

void add_up_options(CLI::App& verb, Options& options) {
  verb.add_option(
          "--servers", options.up.servers, "Servers, 1 to 3; the second and third join the first")
      ->check(CLI::Range(1, 3))
      ->capture_default_str();
  verb.add_option("--agents", options.up.agents, "Agents, 0 to 2")
      ->check(CLI::Range(0, 2))
      ->capture_default_str();
  verb.add_option("--version", options.up.version, "The release to install")->capture_default_str();
  verb.add_option("--node-os", options.up.node_os, "trixie (Debian 13) or bookworm (Debian 12)")
      ->capture_default_str();
  verb.add_option(
      "--inventory", options.inventory, "The inventory to write (default inventories/NAME.yaml)");
  verb.add_option(
      "--artifacts", options.artifacts, "Real release artifacts instead of the stand-in's");
  verb.add_flag("--bare", options.up.bare, "Boot the nodes and install nothing");
  verb.add_flag("--vm",
                options.up.vm,
                "The server is a virtual machine (qemu's software emulation) with a kernel, a "
                "clock and disks of its own: systemd, sshd and etcd, no Kubernetes. For the "
                "faults that a container cannot express. Takes a minute");
  verb.add_flag("--cis",
                options.up.cis,
                "`profile: cis` in the nodes' configuration: two more start-up hooks");
}

void add_ssh_options(CLI::App* verb, const std::shared_ptr<Options>& options) {
  verb->add_option("node", options->node, "The node")->required();
  // What follows the node is the command, its options included.
  verb->prefix_command();
  verb->footer("Words after NODE are run there instead of a shell, e.g. journalctl -u rke2-server");
  verb->parse_complete_callback([options, verb] {
    options->words = verb->remaining();
    if (!options->words.empty() && options->words.front() == "--") {
      options->words.erase(options->words.begin());
    }
  });
}

}  // namespace

void add_lab(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("lab",
                                      "A cluster on this machine: real systemd, etcd, containerd "
                                      "and Kubernetes; the rke2 process is a stand-in");
  verb->require_subcommand(1);
  const auto sub = [&](const char* name, const char* help, int (*run)(const Options&)) {
    CLI::App* made = verb->add_subcommand(name, help);
    made->add_option("--name", options->name, "The lab's name")->capture_default_str();
    made->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
    return made;
  };
  CLI::App* up_verb = sub("up", "Bring a lab up; what is missing in the cache is built first", up);
  add_up_options(*up_verb, *options);
  CLI::App* prepare_verb =
      sub("prepare", "Build what a lab needs into the cache, and raise nothing", prepare);
  prepare_verb->add_option("--node-os", options->up.node_os, "trixie or bookworm")
      ->capture_default_str();
  prepare_verb->add_flag("--vm", options->up.vm, "What a lab with a virtual machine needs");
  sub("status", "What runs", status)->add_flag("--json", options->json, "As JSON");
  sub("down", "Take the lab away; nothing is left", down);
  CLI::App* ssh_verb =
      sub("ssh", "A root shell on a node, or a command there", [](const Options& o) {
        return become(lab::ssh_command(o.name, o.node, o.words));
      });
  add_ssh_options(ssh_verb, options);
  CLI::App* logs_verb = sub("logs", "The journal of a node's rke2 unit", [](const Options& o) {
    return become(lab::logs_command(o.name, o.node, o.follow));
  });
  logs_verb->add_option("node", options->node, "The node")->required();
  logs_verb->add_flag("-f,--follow", options->follow, "Go on as it grows");
  add_lab_power(*verb, action);
}

}  // namespace harness::cli
