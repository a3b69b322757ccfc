// What is named to be shot again, and the suites that it was planned from.

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/run/replay.h"

namespace harness::run {

Result<ReplaySpec> ReplaySpec::parse(std::string_view text) {
  ReplaySpec out;
  const std::size_t first = text.find(':');
  out.run = text.substr(0, first);
  if (first != std::string_view::npos) {
    const std::string_view rest = text.substr(first + 1);
    const std::size_t last = rest.rfind(':');
    const std::string_view tail = last == rest.npos ? "" : rest.substr(last + 1);
    const bool names_trial = !tail.empty() && tail.find_first_not_of("0123456789") == tail.npos;
    out.case_name = names_trial ? rest.substr(0, last) : rest;
    if (names_trial) {
      const auto read = std::from_chars(tail.data(), tail.data() + tail.size(), out.trial);
      if (read.ec != std::errc() || out.trial < 1) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("'{}' is no trial; RUN[:CASE[:TRIAL]], trials count from 1", tail));
      }
    }
  }
  if (out.run.empty()) {
    return fail(ErrorCode::invalid_input, "no run is named; RUN[:CASE[:TRIAL]]");
  }
  return out;
}

std::string ReplaySpec::text() const {
  return run.string() + (case_name.empty() ? "" : ":" + case_name) +
         (trial == 0 ? "" : ":" + std::to_string(trial));
}

Result<std::vector<std::string>> suites_of(const RunFolder& folder) {
  TRY_ASSIGN(const Json run, folder.read("run.json"), "replay");
  std::vector<std::string> out = RunFolder::words(run, "suites");
  if (const auto again = RunFolder::words(run, "again"); !again.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} ran no suite but `{}`; name the run that is named there",
                            folder.name(),
                            fmt::join(again, " ")));
  }
  if (out.empty()) {
    return fail(ErrorCode::invalid_input, folder.name() + " does not say which suites it ran");
  }
  return out;
}

}  // namespace harness::run
