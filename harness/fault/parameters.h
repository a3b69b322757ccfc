// Parameters that several faults take, and what they mean for the guard and the damage budget.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/fault/fault.h"

namespace harness::fault {

// A parameter of each type; without a fallback it must be given. Ranges as in ParamSpec.
ParamSpec choice(std::string_view name,
                 std::string_view fallback,
                 std::vector<std::string_view> choices,
                 std::string_view summary);
ParamSpec integer(std::string_view name,
                  std::string_view fallback,
                  std::string_view unit,
                  std::string_view summary,
                  std::int64_t least,
                  std::int64_t most);
ParamSpec duration(std::string_view name,
                   std::string_view fallback,
                   std::string_view summary,
                   std::int64_t least_ms,
                   std::int64_t most_ms);

// `pod`: one of the control plane's static pods; it must be given.
ParamSpec static_pod_parameter();
// What it costs while that pod does not serve.
Needs needs_of_static_pod(const std::string& pod);
// What is done to the whole node: one voter, one server.
Needs needs_of_node();

// `how` of what does not get through: drop or reset.
ParamSpec cut_parameter();
// How a table of the packet filter is taken back, in words.
inline constexpr std::string_view kFreezeUndo =
    "SIGCONT to exactly that process, when the time, the lease or the record's timer is over; read "
    "back";
inline constexpr std::string_view kStretchedNote =
    "A window that this fault holds open is stretched: the evidence says `stretched`, and such\n"
    "trials are never counted with natural ones.";
inline constexpr std::string_view kTableUndo =
    "that table of the packet filter deleted, and no other, when the time, the lease or the "
    "record's timer is over; read back. The kernel ends it by itself 5s after its time. A reboot "
    "forgets it";

// `duration`: how long a fault lasts that takes itself back.
ParamSpec hold_parameter(std::string_view fallback);
// The same, as the guard's action wants it; the parameters are complete and validated.
std::int64_t hold_ms(const Params& params);

// A duration in milliseconds, and an integer, of complete and validated parameters.
std::int64_t duration_ms(const Params& params, std::string_view name);
std::int64_t number(const Params& params, std::string_view name);

}  // namespace harness::fault
