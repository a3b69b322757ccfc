// soak_faults: run by scripts/soak-faults. Exit status 0 when nothing leaked, 5 when something did
// or the node was not clean before, 2 for a wrong option, 3 when it could not go on, 130 or 143
// when a signal ended it before its time.

#include <cstdio>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "harness/cluster/cluster.h"
#include "harness/inventory/inventory.h"
#include "harness/run/interrupt.h"
#include "harness/soak/soak.h"

namespace {

using namespace harness;
using namespace harness::soak;

constexpr int kWrongOption = 2;
constexpr int kLeaked = 5;
constexpr int kCouldNot = 3;

struct Options {
  Target target;
  std::uint64_t seed = 0;
  Limits limits;
  bool each = false;
  std::vector<std::string> faults;
  std::string json;
  bool check = false;
};

void tell(const Round& round) {
  fmt::print("{:>4}  {:<20} {:<32} {:>6.1f} s  {}\n",
             round.number,
             round.drawn.fault,
             round.drawn.mishap_text(),
             static_cast<double>(round.took_ms) / 1000,
             round.outcome);
  for (const std::string& leak : round.leaks) {
    fmt::print("      LEFT {}\n", leak);
  }
  std::fflush(stdout);
}

// A signal ends it after the round, so that what was seen until then is told.
Result<int> play(const Options& options, std::vector<Choice> drawn) {
  const run::Interrupt interrupt;
  TRY_ASSIGN(
      const inventory::Inventory inventory, inventory::load(options.target.inventory), "soak");
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                options.target.inventory + ": the cluster is not marked `expendable: true`");
  }
  TRY_ASSIGN(const auto cluster,
             cluster::Cluster::connect(inventory, Deadline::after(std::chrono::seconds(30))),
             "connect");
  auto soak = Soak::begin(*cluster, options.target);
  if (!soak && soak.error().code() == ErrorCode::refused) {
    fmt::print(stderr, "soak_faults: {}\n", soak.error().message());
    return kLeaked;
  }
  if (!soak) {
    return fail(std::move(soak).error(), "soak");
  }
  TRY_ASSIGN(const Soaked soaked,
             soak->play(Draw(options.seed, std::move(drawn), options.each),
                        options.limits,
                        tell,
                        interrupt.token()),
             "soak");
  Json rounds = Json::array();
  for (const Round& round : soaked.rounds) {
    rounds.push_back(round.to_json());
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << Json{{"seed", options.seed}, {"leaks", soaked.leaks()}, {"rounds", rounds}}.dump(2)
         << "\n";
    if (!file.flush()) {
      return fail(ErrorCode::invalid_input, options.json + ": it could not be written");
    }
  }
  fmt::print("\n{}\n{} rounds, {} leaks (seed {})\n",
             soaked.table(),
             soaked.rounds.size(),
             soaked.leaks(),
             options.seed);
  return soaked.leaks() == 0 ? interrupt.exit_status() : kLeaked;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int minutes = 0;
  CLI::App app{"Plays drawn faults and mishaps on the first server of a cluster", "soak_faults"};
  app.add_option("--hookshot", options.target.hookshot)->required();
  app.add_option("-i,--inventory", options.target.inventory)->required();
  app.add_option("--seed", options.seed)->required();
  app.add_option("--rounds", options.limits.rounds)->check(CLI::Range(1, 999'999));
  app.add_option("--minutes", minutes)->default_val(600)->check(CLI::Range(1, 99'999));
  app.add_option("--fault", options.faults);
  app.add_option("--json", options.json);
  app.add_flag("--each", options.each);
  app.add_flag("--allow-root-fill", options.target.may_fill_root);
  app.add_flag("--check", options.check, "Look at the options and do nothing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : kWrongOption;
  }
  options.limits.time = std::chrono::minutes(minutes);
  auto drawn = choices(options.faults);
  if (!drawn) {
    fmt::print(stderr, "soak_faults: --fault: {}\n", drawn.error().message());
    return kWrongOption;
  }
  if (options.check) {
    return 0;
  }
  const auto status = play(options, *std::move(drawn));
  if (!status) {
    fmt::print(stderr, "soak_faults: {}\n", status.error().message());
    return kCouldNot;
  }
  return *status;
}
