// Parameters that several faults take, and what they mean for the guard and the damage budget.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/fault/fault.h"

namespace harness::fault {

// `pod`: one of the control plane's static pods; it must be given.
ParamSpec static_pod_parameter();
// What it costs while that pod does not serve.
Needs needs_of_static_pod(const std::string& pod);

// `duration`: how long a fault lasts that takes itself back.
ParamSpec hold_parameter(std::string_view fallback);
// The same, as the guard's action wants it; the parameters are complete and validated.
std::int64_t hold_ms(const Params& params);

// A duration in milliseconds, and an integer, of complete and validated parameters.
std::int64_t duration_ms(const Params& params, std::string_view name);
std::int64_t number(const Params& params, std::string_view name);

}  // namespace harness::fault
