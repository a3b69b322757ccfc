// Giving power back to the nodes that the ledger names: what `heal` does first, since a node
// without power answers nobody.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/power/control.h"
#include "harness/power/ledger.h"

namespace harness::power {

// A node that was given its power back answers within this: firmware takes minutes.
inline constexpr std::chrono::minutes kBootLimit{10};

struct Restored {
  std::string node;
  bool was_off = false;
  std::string summary;  // what was found and done, in words
  bool ok = false;      // its power is on, and the entry is gone
};

// Goes on past a node that fails; its entry stays. Idempotent. A node that a run of this machine
// has in hand just now is left to it, and no success. A node that the inventory does not have any
// more, or an inventory without `power`, is a failure that says what to do by hand.
std::vector<Restored> restore(const inventory::Inventory& inventory,
                              exec::CommandRunner& runner,
                              const Ledger& ledger,
                              Deadline deadline);

// Why a node may not answer: its power is off, and this machine knows nothing of it. Empty: it is
// on, or nobody can say.
std::string off_without_entry(const inventory::Inventory& inventory,
                              exec::CommandRunner& runner,
                              const std::string& node,
                              Deadline deadline);

}  // namespace harness::power
