// The window packs as a survey wants them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/drift/survey.h"
#include "harness/inventory/inventory.h"
#include "harness/plan/pack.h"

namespace harness::drift {

// `conditions`: all that hold on the node whose journal it is; a window whose condition is not
// among them is never missed. Without them none that has a condition is. Errors: invalid_input for
// a pack of a line that is no release line.
Result<Packs> packs_of(const std::vector<plan::WindowPack>& packs,
                       std::vector<std::string> known,
                       const std::optional<inventory::Conditions>& conditions);

}  // namespace harness::drift
