// hookshot_bench_aim INVENTORY TRIALS JSON-FILE: run by scripts/bench; JSON-FILE may be empty.

#include <charconv>
#include <cstdio>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "harness/bench/node_side.h"
#include "harness/bench/table.h"
#include "harness/cluster/cluster.h"
#include "harness/cluster/facts.h"
#include "harness/cluster/lease.h"
#include "harness/cluster/targets.h"
#include "harness/fault/injection.h"
#include "harness/inventory/inventory.h"

namespace {

using namespace harness;
using namespace harness::bench;

constexpr std::chrono::seconds kUsageSpan{30};
constexpr int kTellEvery = 20;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(1));
}

struct Options {
  std::string inventory;
  int trials = 0;
  std::string json;
};

Status run(const Options& options) {
  TRY_ASSIGN(const auto inventory, inventory::load(options.inventory), "inventory");
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                options.inventory + ": only a cluster that says `expendable: true` is benched");
  }
  TRY_ASSIGN(const auto cluster, cluster::Cluster::connect(inventory, soon()), "connect");
  TRY_ASSIGN(cluster::Node * node, cluster->first_server(), "node");
  TRY(fault::check_allowed(*node, inventory.cluster, soon()), "node");
  TRY_ASSIGN(const auto facts, cluster::ask_facts(*node, inventory.cluster, soon()), "facts");
  const std::uint64_t seed = std::random_device()();
  const std::string id = fmt::format("bench-{:08x}", seed);
  TRY_ASSIGN(const auto lease,
             cluster::Lease::acquire(
                 *node,
                 {.cluster = inventory.cluster, .holder = cluster::default_holder(), .epoch = id},
                 soon()),
             "lease");
  TRY(node->upload(HOOKSHOT_BENCH_NODE, std::string(kProgram), 0700, soon()), "upload");
  const inventory::Node& where = *inventory.find(node->name());
  TRY_ASSIGN(const auto target, cluster::target_of(where), "target");
  TRY_ASSIGN(const auto session, ssh::Session::connect(target, soon()), "connect");
  const std::string sudo = where.ssh.become_sudo ? "sudo -n " : "";
  TRY_ASSIGN(const auto side, NodeSide::start(*session, sudo), node->name());
  const Bench bench{inventory.cluster, id, sudo, *node, *session, *side};
  fmt::print("measuring the guard's own share, {} s twice\n", kUsageSpan.count());
  std::fflush(stdout);
  const auto tell = [&](int done) {
    if (done % kTellEvery == 0 || done == options.trials) {
      fmt::print("{} of {} trials of each way\n", done, options.trials);
      std::fflush(stdout);
    }
  };
  const auto usage = measure_usage(bench, kUsageSpan);
  const auto measured = usage ? measure_aim(bench, options.trials, Seed(seed), tell)
                              : Result<std::array<Measured, 3>>(fail(usage.error(), "usage"));
  const auto healed = fault::heal({node}, inventory.cluster, id, {}, soon());
  TRY(measured, "bench");
  if (!healed.clean()) {
    return fail(ErrorCode::remote_failed, "heal: " + healed.dirty.front());
  }
  const Setup setup{node->name(), facts.kernel, options.trials, seed};
  fmt::print("\n{}", table(setup, *measured, *usage));
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << report(setup, *measured, *usage).dump(2) << "\n";
    file.close();
    if (!file) {
      return fail(ErrorCode::invalid_input, options.json + ": it could not be written");
    }
  }
  return lease->release(soon());
}

}  // namespace

int main(int argc, char** argv) {
  Options options{.inventory = argc == 4 ? argv[1] : "", .json = argc == 4 ? argv[3] : ""};
  const std::string_view trials = argc == 4 ? argv[2] : "";
  const auto [end, problem] =
      std::from_chars(trials.data(), trials.data() + trials.size(), options.trials);
  if (problem != std::errc() || end != trials.data() + trials.size() || options.trials < 1) {
    std::fprintf(stderr, "usage: hookshot_bench_aim INVENTORY TRIALS JSON-FILE\n");
    return 2;
  }
  if (const Status done = run(options); !done) {
    std::fprintf(stderr, "bench: %s\n", done.error().message().c_str());
    return 3;
  }
  return 0;
}
