#include "harness/bench/cost.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "harness/bench/lines.h"
#include "harness/bench/trigger_record.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kStepLimit{30};

Deadline step() {
  return Deadline::after(kStepLimit);
}

struct Look {
  Usage usage;
  std::int64_t pid = 0;
  std::int64_t ticks_per_second = 0;
};

Result<Look> look_at(const Bench& bench, const char* verb) {
  TRY_ASSIGN(const Json said, bench.side.ask({{"op", "usage"}, {"verb", verb}}, step()), verb);
  TRY_ASSIGN(
      const Usage usage,
      usage_from(json_string(said, "stat"), json_string(said, "status"), json_int(said, "mono_us")),
      verb);
  return Look{usage, json_int(said, "pid"), json_int(said, "ticks_per_second", 100)};
}

Result<std::vector<Share>> shares(const Bench& bench,
                                  cluster::LineStream& stream,
                                  const std::vector<const char*>& verbs,
                                  std::chrono::seconds span) {
  std::vector<Look> before;
  std::vector<Share> out;
  for (const char* verb : verbs) {
    TRY_ASSIGN(before.emplace_back(), look_at(bench, verb), "before");
  }
  for (const Deadline over = Deadline::after(span); !over.passed();) {
    TRY(stream.next(over), "watch");
  }
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    TRY_ASSIGN(const Look after, look_at(bench, verbs[i]), "after");
    if (after.pid != before[i].pid) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("guard {} was process {} and is process {} now: another one came",
                              verbs[i],
                              before[i].pid,
                              after.pid));
    }
    out.push_back({.core = share_of_core(before[i].usage, after.usage, after.ticks_per_second),
                   .peak_kb = after.usage.peak_kb,
                   .resident_kb = after.usage.resident_kb});
  }
  return out;
}

}  // namespace

std::int64_t Cost::resident_kb() const {
  return std::max({rest.resident_kb, watch_armed.resident_kb, trigger_armed.resident_kb});
}

std::int64_t Cost::peak_kb() const {
  return std::max({rest.peak_kb, watch_armed.peak_kb, trigger_armed.peak_kb});
}

Result<Cost> measure_cost(const Bench& bench, std::chrono::seconds span) {
  Cost out;
  const std::string unit = bench.node.unit();
  const Json what = {
      {"cluster", bench.cluster}, {"unit", unit}, {"data_dir", bench.node.data_dir()}};
  TRY_ASSIGN(const auto stream, bench.node.guard_stream("watch", what, step()), "watch");
  TRY_ASSIGN(const auto first, stream->next(step()), "watch");
  if (!first) {
    return fail(
        ErrorCode::timed_out,
        fmt::format(
            "guard watch on {} said nothing in {} s", bench.node.name(), kStepLimit.count()));
  }
  TRY_ASSIGN(const auto rest, shares(bench, *stream, {"watch"}, span), "at rest");
  const std::string id = bench.run + "-cost";
  TRY(arm(bench,
          {.id = id,
           .unit = unit,
           .message = message_of("marker", bench.run, 0),
           .action = {{"do", "none"}}}),
      "armed");
  const auto armed = shares(bench, *stream, {"watch", "trigger"}, span);
  TRY(revert(bench, id), "armed");
  TRY(armed, "armed");
  out.rest = rest[0];
  out.watch_armed = (*armed)[0];
  out.trigger_armed = (*armed)[1];
  return out;
}

}  // namespace harness::bench
