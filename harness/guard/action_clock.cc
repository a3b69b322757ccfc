#include "harness/guard/action_clock.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <time.h>

namespace harness::guard {
namespace {

constexpr std::int64_t kMs = 1000;
constexpr std::int64_t kExactUs = 500 * kMs;

std::int64_t read_us(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000 + at.tv_nsec / 1000;
}

Status check_own_clock(const Means& means) {
  TRY_ASSIGN(const std::string container, container_of(means), "clock");
  if (!container.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("this node is a container ({}): its clock is its host's", container));
  }
  return {};
}

// Stopped here, so that they are started again.
Result<Json> keepers_that_run(const Means& means) {
  Json out = Json::array();
  for (const char* unit : kTimeKeepers) {
    TRY_ASSIGN(const std::string state, unit_property(means, unit, "ActiveState"), "clock");
    if (state == "active" || state == "activating") {
      out.push_back(unit);
    }
  }
  return out;
}

Status check_keepers(const Json& keepers) {
  const auto known = [](const Json& unit) {
    return unit.is_string() &&
           std::ranges::find(kTimeKeepers, unit.get<std::string>()) != kTimeKeepers.end();
  };
  return keepers.is_array() && std::ranges::all_of(keepers, known)
             ? Status()
             : fail(damaged("keepers",
                            text_of(keepers),
                            "do not all keep the time",
                            "`chronyc makestep` or `timedatectl set-time` on the node"));
}

Status each(const Means& means, const char* verb, const Json& units) {
  for (const Json& unit : units) {
    const std::string name = unit.get<std::string>();
    TRY(asked(means, {"systemctl", verb, name}), name);
  }
  return {};
}

}  // namespace

Clocks Clocks::of_this_node() {
  return {.wall_us = [] { return read_us(CLOCK_REALTIME); },
          .boot_us = [] { return read_us(CLOCK_BOOTTIME); },
          .set = [](std::int64_t at_us) -> Status {
            const timespec at{at_us / 1'000'000, (at_us % 1'000'000) * 1000};
            if (clock_settime(CLOCK_REALTIME, &at) == 0) {
              return {};
            }
            return fail(errno == EPERM ? ErrorCode::not_supported : ErrorCode::remote_failed,
                        fmt::format("clock_settime: {}", std::strerror(errno)));
          }};
}

Result<Deed> jump_clock(const ArmRecord& record, const Means& means, const Clocks& clocks) {
  TRY(check_own_clock(means), "clock");
  const std::int64_t offset_ms = record.action.amounts.at("offset_ms");
  TRY_ASSIGN(const Json keepers, keepers_that_run(means), "clock");
  TRY(means.note({{"kind", "clock"},
                  {"boot_id", boot_id()},
                  {"wall_us", clocks.wall_us()},
                  {"boot_us", clocks.boot_us()},
                  {"keepers", keepers}}),
      "keep the time");
  TRY(each(means, "stop", keepers), "stop what keeps the time");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  const std::int64_t drift = clocks.wall_us() - clocks.boot_us();
  TRY(clocks.set(clocks.wall_us() + offset_ms * kMs), "set the clock");
  deed.effect = now();
  const std::int64_t moved_us = clocks.wall_us() - clocks.boot_us() - drift;
  if (std::abs(moved_us - offset_ms * kMs) > kExactUs) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("the clock was set {} ms off, but moved by {} ms", offset_ms, moved_us / kMs));
  }
  deed.evidence = {
      {"how", "jump"},
      {"moved_ms", moved_us / kMs},
      {"keepers", keepers},
      {"summary",
       fmt::format("the clock moved by {} ms against CLOCK_BOOTTIME; {} stopped",
                   moved_us / kMs,
                   keepers.empty() ? "nothing that keeps time was there to be" : keepers.dump())}};
  return deed;
}

Result<std::string> release_clock(const Json& held, const Means& means, const Clocks& clocks) {
  const auto right_us = [&] {
    return json_int(held, "wall_us") + clocks.boot_us() - json_int(held, "boot_us");
  };
  if (json_int(held, "wall_us") <= 0 || json_int(held, "boot_us") <= 0) {
    return fail(ErrorCode::invalid_input,
                "what the record holds of the clock is damaged; `chronyc makestep` or `timedatectl "
                "set-time` on the node");
  }
  const Json keepers = held.value("keepers", Json::array());
  TRY(check_keepers(keepers), "set the clock back");
  const std::int64_t off = clocks.wall_us() - right_us();
  if (std::abs(off) > kExactUs) {
    TRY(clocks.set(right_us()), "set the clock back");
  }
  TRY(each(means, "start", keepers), "start what keeps the time");
  const std::int64_t left = clocks.wall_us() - right_us();
  if (std::abs(left) > kExactUs) {
    return fail(ErrorCode::remote_failed,
                fmt::format("the clock is {} ms off after it was set back; `chronyc makestep` or "
                            "`timedatectl set-time` on the node",
                            left / kMs));
  }
  return fmt::format("the clock was {} ms off and is {} ms off now", off / kMs, left / kMs);
}

}  // namespace harness::guard
