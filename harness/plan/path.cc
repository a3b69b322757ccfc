#include "harness/plan/path.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "harness/base/restart.h"

namespace harness::plan {
namespace {

using yaml::Problems;
using yaml::Reader;
using yaml::Value;

std::optional<Version> read_version(const Value& value, Problems& problems) {
  auto parsed = Version::parse(value.scalar);
  if (!parsed) {
    problems.add(value, parsed.error().message());
    return std::nullopt;
  }
  return *parsed;
}

void read_expectation(Reader& reader, const std::vector<std::string>& checks, Path& path) {
  Problems& problems = reader.problems();
  path.expect =
      reader.choice_or("expect", {"pass", "fail"}, "pass") == "fail" ? Expect::fail : Expect::pass;
  path.issue = reader.text_or("issue", "");
  path.fatal = reader.text_or("fatal", "");
  for (const Value* check : reader.items("because", reader.has("because"))) {
    if (std::ranges::find(checks, check->scalar) == checks.end()) {
      problems.add(*check,
                   fmt::format("there is no check '{}'{}; there are {}",
                               check->scalar,
                               yaml::hint(check->scalar, checks),
                               fmt::join(checks, ", ")));
    }
    path.because.push_back(check->scalar);
  }
  if (path.expect == Expect::pass) {
    for (const char* key : {"because", "fatal"}) {
      if (reader.has(key)) {
        problems.add(*reader.take(key), fmt::format("'{}' goes with expect: fail", key));
      }
    }
    return;
  }
  if (path.issue.empty()) {
    problems.add(reader.where(),
                 "a path that is expected to fail needs the key 'issue', which says why");
  }
  if (!reader.has("because")) {
    problems.add(reader.where(),
                 "a path that is expected to fail needs the key 'because': the checks of which one "
                 "must be what fails");
  }
}

}  // namespace

Place place_of(const Value& value) {
  return {value.line, value.column};
}

Path read_path(const Value& value, const std::vector<std::string>& checks, Problems& problems) {
  Reader reader(value, "path", problems);
  const auto versions = reader.items("versions", true);
  Path path;
  if (versions.size() == 2) {
    const auto from = read_version(*versions[0], problems);
    const auto to = read_version(*versions[1], problems);
    path.from = from.value_or(Version{});
    path.to = to.value_or(Version{});
    path.place = place_of(*versions[1]);
  } else if (reader.has("versions")) {
    problems.add(*reader.take("versions"),
                 "'versions' needs exactly two: from and to; write longer paths as several");
  }
  path.by_reboot = reader.choice_or(kRestartKey, {kByService, kByReboot}, kByService) == kByReboot;
  read_expectation(reader, checks, path);
  reader.finish();
  return path;
}

}  // namespace harness::plan
