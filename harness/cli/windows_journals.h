// The journals that `windows check` holds against the packs: a file's, or the nodes' own.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/drift/verdict.h"

namespace harness::cli {

struct JournalOptions {
  std::string file;
  std::string inventory;
  std::string since = "24h";
  int last = 50;  // invocations that are kept
};

// What one journal came to, or why it could not be read.
struct Checked {
  drift::Source source;
  std::deque<drift::Invocation> invocations;
  std::optional<Error> error = {};
};

// invalid_input when it is no journal, or says nothing of RKE2.
Result<Checked> check_file(const JournalOptions& options);
// One per node, in the order of the inventory, also of those that could not be read.
Result<std::vector<Checked>> check_nodes(const JournalOptions& options);

}  // namespace harness::cli
