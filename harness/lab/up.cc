#include <random>

#include <fmt/format.h>
#include <sys/file.h>

#include "harness/base/time.h"
#include "harness/base/version.h"
#include "harness/exec/local_runner.h"
#include "harness/lab/cgroup.h"
#include "harness/lab/claim.h"
#include "harness/lab/host.h"
#include "harness/lab/lab.h"
#include "harness/lab/machine.h"
#include "harness/lab/node_files.h"
#include "harness/lab/power.h"
#include "harness/lab/recipe.h"
#include "harness/lab/state.h"
#include "harness/lab/texts.h"

namespace harness::lab {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kBoot{60};
constexpr std::chrono::minutes kVmBoot{6};

std::string random_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

bool anything_runs(const Record& record) {
  for (const auto& node : record.plan.nodes) {
    if (running_supervisor(record.name, node.name)) {
      return true;
    }
  }
  return false;
}

// The work of one up(): the options checked, the parts in order.
class Raising {
 public:
  explicit Raising(const UpOptions& options)
      : options_(options), progress_([this](std::string_view line) { say(line); }) {}

  Status run() {
    TRY(check(), "lab up");
    TRY_ASSIGN(exec::UniqueFd held, claim(options_.name), "lab up");
    TRY_ASSIGN(const std::optional<Record> earlier, read_record(options_.name), "lab up");
    if (earlier) {
      if (earlier->phase == "up" && anything_runs(*earlier)) {
        return fail(ErrorCode::refused,
                    fmt::format("lab {0} is up already; `hookshot lab down --name {0}` ends it",
                                options_.name));
      }
      say("an earlier lab of this name was left behind");
      TRY(take_down(runner_, *earlier, progress_), "lab up");
      TRY_ASSIGN(held, claim(options_.name), "lab up");
    }
    Status status = make();
    if (status) {
      status = plan();
    }
    if (!status) {
      std::error_code ignored;
      fs::remove_all(lab_folder(options_.name), ignored);
      return fail(status.error(), "lab up");
    }
    status = raise();
    if (status && !bare()) {
      status = install();
    }
    if (status && options_.vm) {
      status = await_etcd();
    }
    if (!status) {
      if (keep_for_inspection_ && status.error().code() == ErrorCode::timed_out) {
        return fail(
            status.error(),
            fmt::format("lab up: the nodes are left for inspection (`hookshot lab logs --name {}`)",
                        options_.name));
      }
      if (const auto gone = take_down(runner_, record_, progress_); !gone) {
        say(gone.error().message());
      }
      return fail(status.error(), "lab up");
    }
    record_.phase = "up";
    TRY(write_record(record_), "lab up");
    say(fmt::format("lab {} is up; inventory {}", record_.name, record_.inventory.string()));
    return {};
  }

  Status prepare() {
    TRY(check(), "lab prepare");
    return make();
  }

 private:
  // Recipes' lines carry a time already.
  void say(std::string_view text) const {
    if (options_.progress) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
      options_.progress(fmt::format("{:6.1f}s {}", passed.count(), text));
    }
  }

  Status check() {
    TRY(plan_addresses(options_.name, 1, options_.servers, options_.agents), "nodes");
    TRY(Version::parse(options_.version), "--version");
    if (options_.node_os != "trixie" && options_.node_os != "bookworm") {
      return fail(ErrorCode::invalid_input,
                  fmt::format("--node-os is trixie or bookworm, not '{}'", options_.node_os));
    }
    if (options_.vm && (options_.cis || !options_.artifacts.empty())) {
      return fail(ErrorCode::invalid_input,
                  "--vm has no Kubernetes: it goes neither with --artifacts nor with --cis");
    }
    if (options_.vm && options_.servers != 1) {
      return fail(ErrorCode::invalid_input, "--vm has one server, whose etcd joins nobody");
    }
    if (options_.vm && options_.node_os != "trixie") {
      return fail(ErrorCode::invalid_input,
                  "--vm is a machine of Debian 13, whose etcd is 3.5: leave --node-os at trixie");
    }
    if (!options_.artifacts.empty() &&
        !fs::exists(options_.artifacts / options_.version / "install.sh")) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("{} holds no {}/install.sh", options_.artifacts.string(), options_.version));
    }
    if (options_.artifacts.empty() && !bare()) {
      TRY(check_standin_version(options_.version), "--version");
    }
    inventory_ = inventory_path(options_.inventory, options_.name);
    TRY(check_inventory(inventory_, options_.name), "inventory");
    TRY(check_host(), "host");
    if (options_.vm) {
      TRY(check_vm_host(), "--vm");
    }
    TRY_ASSIGN(layout_, host_cgroups(), "host");
    return {};
  }

  bool bare() const { return options_.bare || options_.vm; }

  Result<std::string> recipe(std::vector<std::string> argv) {
    argv[0] = recipes() / argv[0];
    return run_recipe(argv, options_.progress, options_.stop);
  }

  // Everything that takes long the first time.
  Status make() {
    record_.node_os = options_.node_os;
    record_.version = bare() ? "" : options_.version;
    if (options_.vm) {
      TRY_ASSIGN(record_.vm_image, recipe({"vm-image", options_.node_os}), "machine image");
    }
    if (!options_.vm || options_.agents > 0) {
      TRY_ASSIGN(record_.image, recipe({"image", options_.node_os}), "node image");
    }
    if (!options_.artifacts.empty()) {
      record_.artifacts = fs::absolute(options_.artifacts);
    } else if (!bare()) {
      TRY_ASSIGN(record_.artifacts,
                 recipe({"release", "--standin", standin_binary(), "--node-os", options_.node_os}),
                 "release artifacts");
      if (!fs::exists(record_.artifacts / record_.version / "install.sh")) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("the stand-in has no version {}", record_.version));
      }
    }
    return {};
  }

  // The record, with addresses that no other lab has.
  Status plan() {
    record_.name = options_.name;
    record_.token = random_token();
    record_.cis = options_.cis;
    record_.inventory = inventory_;
    TRY_ASSIGN(const exec::UniqueFd held,
               lock(state_root(), LOCK_EX, "the labs of this machine"),
               "state");
    TRY_ASSIGN(std::set<int> used, used_subnets(runner_), "addresses");
    for (const auto& name : recorded_names()) {
      if (const auto other = read_record(name); other && *other) {
        used.insert((*other)->plan.subnet);
      }
    }
    TRY_ASSIGN(const int subnet, free_subnet(used), "addresses");
    TRY_ASSIGN(record_.plan,
               plan_addresses(options_.name, subnet, options_.servers, options_.agents),
               "nodes");
    for (auto& node : record_.plan.nodes) {
      node.vm = options_.vm && node.role == "server";
      const auto groups = node_cgroups(layout_, record_.name, node.name);
      record_.cgroups.insert(record_.cgroups.end(), groups.begin(), groups.end());
    }
    return write_record(record_);
  }

  Status raise() {
    TRY(save_kernel_parameters(), "kernel parameters");
    TRY(make_nspawn_folder(), "nspawn");
    TRY(make_bridge(runner_, record_.plan), "network");
    TRY(make_client_key(runner_, record_), "keys");
    say(fmt::format("starting {} node(s) on {}, control groups {}",
                    record_.plan.nodes.size(),
                    record_.plan.bridge,
                    to_string(layout_.mode)));
    for (const auto& node : record_.plan.nodes) {
      TRY(make_node_files(runner_, record_, node), node.name);
      TRY(start_machine(runner_, record_, node, layout_), "machine");
    }
    for (const auto& node : record_.plan.nodes) {
      const Deadline deadline = node.vm ? Deadline::after(kVmBoot) : Deadline::after(kBoot);
      TRY(wait_for_ssh(runner_, record_, node, deadline, options_.stop), "machine");
      say(fmt::format("{} answers at {}", node.name, node.address));
    }
    return write_file(record_.inventory, inventory_text(record_, power_program()));
  }

  Status install() {
    for (const auto& node : record_.plan.nodes) {
      say(fmt::format("installing {} on {}", record_.version, node.name));
      TRY(install_release(runner_, record_, node), node.name);
      keep_for_inspection_ = true;
      TRY(wait_for_ready(runner_,
                         record_,
                         node,
                         Deadline::after(options_.ready_within),
                         progress_,
                         options_.stop),
          unit_of(node));
      keep_for_inspection_ = false;
    }
    return {};
  }

  Status await_etcd() {
    const PlannedNode& server = record_.plan.nodes.front();
    say("waiting for etcd on " + server.name);
    return wait_for_unit(runner_, record_, server, Deadline::after(kVmBoot), options_.stop);
  }

  const UpOptions& options_;
  const Progress progress_;
  const SteadyTime began_ = std::chrono::steady_clock::now();
  exec::LocalRunner runner_;
  CgroupLayout layout_;
  Record record_;
  fs::path inventory_;
  bool keep_for_inspection_ = false;
};

}  // namespace

Status prepare(const UpOptions& options) {
  return Raising(options).prepare();
}

Result<LabState> up(const UpOptions& options) {
  TRY(Raising(options).run(), "");
  return status(options.name);
}

}  // namespace harness::lab
