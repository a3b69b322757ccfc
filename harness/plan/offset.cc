#include "harness/plan/offset.h"

#include <fmt/format.h>

#include "harness/plan/path.h"

namespace harness::plan {
namespace {

using yaml::Reader;
using yaml::Value;

// "95%" as 0.95.
double part_or(Reader& reader, std::string_view key, double fallback) {
  const Value* where = reader.take(key);
  if (where == nullptr) {
    return fallback;
  }
  const auto read = aim::parse_offset(where->scalar);
  if (!read || read->kind != aim::Offset::Kind::percent || read->percent <= 0 ||
      read->percent >= 100) {
    reader.problems().add(
        *where,
        fmt::format("'{}' must be a percentage between 0% and 100%, as in 95%, not '{}'",
                    key,
                    where->scalar));
    return fallback;
  }
  return read->percent / 100;
}

aim::SweepPlan read_sweep(const Value& value, yaml::Problems& problems) {
  aim::SweepPlan out;
  Reader reader(value, "sweep", problems);
  out.resolution = reader.duration_or("resolution", out.resolution);
  out.count = static_cast<int>(reader.integer_or("count", 0, 1, 100'000));
  out.time = reader.duration_or("time", out.time);
  out.confidence = part_or(reader, "confidence", 0);
  out.fail_rate = part_or(reader, "fail_rate", out.fail_rate);
  out.around = reader.boolean_or("around", true);
  reader.finish();
  return out;
}

}  // namespace

OffsetChoice read_offset(const Value& value, yaml::Problems& problems) {
  OffsetChoice out{.at = {}, .sweep = {}, .place = place_of(value)};
  if (value.kind == Value::Kind::mapping) {
    out.at.kind = aim::Offset::Kind::sweep;
    Reader reader(value, "offset", problems);
    if (const Value* sweep = reader.take("sweep")) {
      out.sweep = read_sweep(*sweep, problems);
    } else {
      problems.add(value, "an offset with settings is a sweep: {sweep: {resolution: 50ms}}");
    }
    reader.finish();
    return out;
  }
  const auto read = aim::parse_offset(value.scalar);
  if (value.kind != Value::Kind::scalar || !read) {
    problems.add(value,
                 "offset " + (read ? std::string("must be one text") : read.error().message()));
    return out;
  }
  // 0% is the opening marker: the same instant, and the same case, as 0s.
  const bool opening = read->kind == aim::Offset::Kind::percent && read->percent == 0;
  out.at = opening ? aim::Offset{} : *read;
  return out;
}

void check_sweeps(const Suite& suite, const Value& hits, yaml::Problems& problems) {
  for (const OffsetChoice& offset : suite.offsets) {
    if (offset.sweep.count > 0 && offset.sweep.count < suite.hits) {
      problems.add(hits,
                   fmt::format("'hits' ({}) cannot be reached by the sweep at {}:{}, which ends "
                               "after {} trials: lower it, or raise the sweep's 'count'",
                               suite.hits,
                               offset.place.line,
                               offset.place.column,
                               offset.sweep.count));
    }
  }
}

}  // namespace harness::plan
