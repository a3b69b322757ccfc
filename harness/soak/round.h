// One round of the soak: a fault drawn at random, something that goes wrong meanwhile, and what is
// left on the node when both are over. Nothing may be.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/fault/fault.h"
#include "harness/fault/inject.h"

namespace harness::soak {

enum class Mishap {
  none,               // the node takes it back by itself
  undone_twice,       // the controller heals while the node does
  undone_first,       // healed before its moment ever comes
  controller_killed,  // SIGKILL to hookshot, as it comes to a step
  trigger_killed,     // SIGKILL to the guard that holds it
  service_restarted,  // its target begins anew meanwhile
  rebooted            // the node does
};

std::vector<Mishap> all_mishaps();

std::string_view to_string(Mishap mishap);

struct Drawn {
  std::string fault;
  fault::Params params;
  Mishap mishap = Mishap::none;
  fault::Step step = fault::Step::begun;  // that the controller is killed at
  int after_ms = 0;                       // how long after the outcome any other mishap comes

  // "controller killed: armed", "rebooted"
  std::string mishap_text() const;
};

// A fault that is drawn, and those of its parameters that are not.
struct Choice {
  const fault::FaultSpec* spec = nullptr;
  fault::Params fixed;
};

// Each text is a fault and its fixed parameters ("slow-disk pod=etcd"); without one, all faults but
// none and reboot, which is a mishap of its own. invalid_input: one that cannot be drawn so.
Result<std::vector<Choice>> choices(const std::vector<std::string>& texts = {});

// The same seed draws the same rounds. Some are rare, as they take long: reboots one in twenty.
class Draw {
 public:
  // `each`: every fault meets every mishap once, and the controller's end once at each step of it,
  // in an order that is drawn, before the others. `choices`: at least one.
  Draw(std::uint64_t seed, std::vector<Choice> choices, bool each = false);

  Drawn next();

 private:
  struct Pair {
    std::size_t choice;
    Mishap mishap;
    fault::Step step;
  };

  int below(int limit);
  Pair pair();

  std::mt19937_64 engine_;
  std::vector<Choice> choices_;
  std::vector<Pair> deck_;
};

struct Round {
  int number = 0;
  Drawn drawn;
  std::string outcome;             // of the fault: applied, missed, unsupported, refused, killed
  std::vector<std::string> leaks;  // empty: nothing was left
  std::int64_t took_ms = 0;

  Json to_json() const;
};

struct Soaked {
  std::vector<Round> rounds;

  int leaks() const;
  // For each fault, each mishap and each step that hookshot was killed at: in how many rounds they
  // met, of how many: the fault was applied, or hookshot was killed before it ended. Then the
  // leaks.
  std::string table() const;
};

}  // namespace harness::soak
