// soak_faults HOOKSHOT INVENTORY SEED ROUNDS MINUTES JSON-FILE EACH: run by scripts/soak-faults;
// JSON-FILE and EACH may be empty. Exit status 0 when nothing leaked, 5 when something did, 3 when
// it could not go on, 130 or 143 when a signal ended it before its time.

#include <charconv>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "harness/cluster/cluster.h"
#include "harness/inventory/inventory.h"
#include "harness/run/interrupt.h"
#include "harness/soak/soak.h"

namespace {

using namespace harness;
using namespace harness::soak;

constexpr int kLeaked = 5;
constexpr int kCouldNot = 3;

struct Options {
  std::string hookshot;
  std::string inventory;
  std::uint64_t seed = 0;
  Limits limits;
  std::string json;
};

std::uint64_t number(const char* text) {
  std::uint64_t out = 0;
  const std::string_view word(text);
  std::from_chars(word.data(), word.data() + word.size(), out);
  return out;
}

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
Result<int> play(const Options& options) {
  const run::Interrupt interrupt;
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(options.inventory), "soak");
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                options.inventory + ": the cluster is not marked `expendable: true`");
  }
  TRY_ASSIGN(const auto cluster,
             cluster::Cluster::connect(inventory, Deadline::after(std::chrono::seconds(30))),
             "connect");
  TRY_ASSIGN(Soak soak, Soak::begin(*cluster, options.hookshot, options.inventory), "soak");
  TRY_ASSIGN(const Soaked soaked,
             soak.play(options.seed, options.limits, tell, interrupt.token()),
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
  if (argc != 8) {
    fmt::print(stderr, "soak_faults: run scripts/soak-faults\n");
    return 2;
  }
  const auto status = play({.hookshot = argv[1],
                            .inventory = argv[2],
                            .seed = number(argv[3]),
                            .limits = {.rounds = static_cast<int>(number(argv[4])),
                                       .time = std::chrono::minutes(number(argv[5])),
                                       .each = *argv[7] != '\0'},
                            .json = argv[6]});
  if (!status) {
    fmt::print(stderr, "soak_faults: {}\n", status.error().message());
    return kCouldNot;
  }
  return *status;
}
