// aim_bench INVENTORY TRIALS JSON-FILE: run by scripts/bench; JSON-FILE may be empty.

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

constexpr std::chrono::seconds kCostSpan{20};
constexpr int kTellEvery = 20;

Deadline soon() {
  return Deadline::after(std::chrono::minutes(1));
}

struct Options {
  std::string inventory;
  int trials = 0;
  std::string json;
};

struct Outcome {
  Setup setup;
  MeasuredWays measured;
  Cost cost;
};

Result<Json> machine(const Bench& bench) {
  return bench.side.ask({{"op", "machine"}}, soon());
}

Result<Outcome> measure(const Bench& bench, int trials, std::uint64_t seed) {
  fmt::print("measuring the guard's own share, {} s twice\n", kCostSpan.count());
  std::fflush(stdout);
  const auto tell = [&](int done) {
    if (done % kTellEvery == 0 || done == trials) {
      fmt::print("{} of {} trials of each way\n", done, trials);
      std::fflush(stdout);
    }
  };
  Outcome out{.setup = {.node = bench.node.name(), .trials = trials, .seed = seed}};
  TRY_ASSIGN(out.cost, measure_cost(bench, kCostSpan), "the guard's own share");
  TRY_ASSIGN(const Json before, machine(bench), "load");
  TRY_ASSIGN(out.measured, measure_aim(bench, trials, Seed(seed), tell), "aim");
  TRY_ASSIGN(const Json after, machine(bench), "load");
  out.setup.cpus = static_cast<int>(json_int(before, "cpus"));
  out.setup.load_before = before.value("load", 0.0);
  out.setup.load_after = after.value("load", 0.0);
  return out;
}

Status show(const Outcome& result, const std::string& json) {
  fmt::print("\n{}", table(result.setup, result.measured, result.cost));
  if (!json.empty()) {
    std::ofstream file(json);
    file << report(result.setup, result.measured, result.cost).dump(2) << "\n";
    file.close();
    if (!file) {
      return fail(ErrorCode::invalid_input, json + ": it could not be written");
    }
  }
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    const Measured& one = result.measured[way];
    if (static_cast<Way>(way) == Way::guard_planned_task) {
      continue;  // a node may have no containerd; the table says why its trials are lost
    }
    if (one.marker_to_action.size() + one.planned_to_effect.size() == 0) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{}: not one trial is complete: {}", kWays[way], one.last_loss));
    }
  }
  return {};
}

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
  TRY_ASSIGN(const auto side, NodeSide::start(*session, sudo, id), node->name());
  auto result =
      measure({inventory.cluster, id, sudo, *node, *session, *side}, options.trials, seed);
  const auto healed = fault::heal({node}, inventory.cluster, id, {}, soon());
  TRY(result, "bench");
  if (!healed.clean()) {
    return fail(ErrorCode::remote_failed, "heal: " + healed.dirty.front());
  }
  result->setup.kernel = facts.kernel;
  TRY(show(*result, options.json), "bench");
  return lease->release(soon());
}

}  // namespace

int main(int argc, char** argv) {
  Options options{.inventory = argc == 4 ? argv[1] : "", .json = argc == 4 ? argv[3] : ""};
  const std::string_view trials = argc == 4 ? argv[2] : "";
  const auto [end, problem] =
      std::from_chars(trials.data(), trials.data() + trials.size(), options.trials);
  if (problem != std::errc() || end != trials.data() + trials.size() || options.trials < 1) {
    std::fprintf(stderr, "usage: aim_bench INVENTORY TRIALS JSON-FILE\n");
    return 2;
  }
  if (const Status done = run(options); !done) {
    std::fprintf(stderr, "bench: %s\n", done.error().message().c_str());
    return 3;
  }
  return 0;
}
