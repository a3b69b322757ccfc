// Where observers and steps put what they see. The receiver adds the sequence number, the
// controller's time, the case and the trial.
#pragma once

#include <functional>

#include "harness/base/json.h"

namespace harness::observe {

// Called from several threads at once; must not block for long and must not throw.
using Sink = std::function<void(Json)>;

}  // namespace harness::observe
