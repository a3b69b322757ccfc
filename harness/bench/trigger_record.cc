#include "harness/bench/trigger_record.h"

#include <utility>

#include "harness/base/eventually.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kStepLimit{30};
constexpr std::chrono::seconds kOutcomeLimit{3};
constexpr std::chrono::milliseconds kStatusPeriod{20};

}  // namespace

Json record_of(const std::string& run,
               const std::string& cluster,
               const std::string& data_dir,
               const Armed& armed) {
  return {{"id", armed.id},
          {"run", run},
          {"case", "bench aim"},
          {"cluster", cluster},
          {"unit", armed.unit},
          {"data_dir", data_dir},
          {"fault", "kill-pod"},
          {"params", Json::object()},
          {"action", armed.action},
          {"undo", Json::array()},
          {"trigger",
           {{"window", "bench"},
            {"open", {{{"log", armed.message}}}},
            {"close", {{{"log", "Hookshot bench window closes"}}}},
            {"offset_us", armed.offset_us},
            {"any_invocation", false}}},
          {"ttl_ms", 180'000},
          {"lease_ms", 60'000}};
}

Status arm(const Bench& bench, const Armed& armed) {
  const Json record = record_of(bench.run, bench.cluster, bench.node.data_dir(), armed);
  TRY(bench.node.guard("arm", record, Deadline::after(kStepLimit)), "arm");
  return {};
}

Result<Json> ended_record(const Bench& bench, const std::string& id) {
  Json record;
  TRY(eventually("the trigger's record has an outcome",
                 Deadline::after(kOutcomeLimit),
                 kStatusPeriod,
                 [&]() -> Result<Observation> {
                   TRY_ASSIGN(
                       const auto lines,
                       bench.node.guard(
                           "status", {{"cluster", bench.cluster}}, Deadline::after(kStepLimit)),
                       "status");
                   for (const Json& line : lines) {
                     record = json_string(line, "id") == id ? line : record;
                   }
                   return Observation{.done = !json_string(record, "outcome").empty(),
                                      .seen = json_string(record, "state")};
                 },
                 {}),
      "guard");
  return record;
}

Status revert(const Bench& bench, const std::string& id) {
  const auto done = bench.node.guard(
      "revert", {{"cluster", bench.cluster}, {"id", id}}, Deadline::after(kStepLimit));
  return done ? Status()
              : Status(fail(ErrorCode::internal, "revert " + id + ": " + done.error().message()));
}

}  // namespace harness::bench
