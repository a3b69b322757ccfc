#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "harness/plan/plan.h"
#include "harness/yaml/reader.h"

namespace harness::plan {
namespace {

using yaml::Problems;
using yaml::Reader;
using yaml::Value;

class SuiteLoader {
 public:
  SuiteLoader(std::string file, const FaultCatalogue& faults)
      : file_(std::move(file)), faults_(faults), problems_(file_) {}

  Result<Suite> load(const Value& root);

 private:
  std::optional<Version> version(const Value& value);
  void read_path(const Value& value, Suite& suite);
  void read_fault(const Value& value, Suite& suite);
  void read_matrix(const Value& value, Suite& suite);
  void read_offset(const Value& value, Suite& suite);
  void read_exclusion(const Value& value, Suite& suite);
  void read_budget(const Value& value, Suite& suite);

  const std::string file_;
  const FaultCatalogue& faults_;
  Problems problems_;
};

std::optional<Version> SuiteLoader::version(const Value& value) {
  auto parsed = Version::parse(value.scalar);
  if (!parsed) {
    problems_.add(value, parsed.error().message());
    return std::nullopt;
  }
  return *parsed;
}

void SuiteLoader::read_path(const Value& value, Suite& suite) {
  Reader reader(value, "path", problems_);
  const auto versions = reader.items("versions", true);
  Path path;
  if (versions.size() == 2) {
    const auto from = version(*versions[0]);
    const auto to = version(*versions[1]);
    path.from = from.value_or(Version{});
    path.to = to.value_or(Version{});
    if (from && to && *from == *to) {
      problems_.add(
          *versions[1],
          "a path leads from one version to another; restarts in place are not a path yet");
    }
  } else if (reader.has("versions")) {
    problems_.add(*reader.take("versions"),
                  "'versions' needs exactly two: from and to; write longer paths as several");
  }
  path.expect =
      reader.choice_or("expect", {"pass", "fail"}, "pass") == "fail" ? Expect::fail : Expect::pass;
  path.issue = reader.text_or("issue", "");
  if (path.expect == Expect::fail && path.issue.empty()) {
    problems_.add(value, "a path that is expected to fail needs the key 'issue', which says why");
  }
  reader.finish();
  suite.paths.push_back(path);
}

void SuiteLoader::read_fault(const Value& value, Suite& suite) {
  FaultChoice choice;
  const Value* where = &value;
  if (value.kind == Value::Kind::scalar) {
    choice.name = value.scalar;
  } else if (value.kind == Value::Kind::mapping && value.members.size() == 1) {
    where = &value.members[0].first;
    choice.name = value.members[0].first.scalar;
    for (const auto& [key, member] : value.members[0].second.members) {
      if (member.kind != Value::Kind::scalar) {
        problems_.add(member, fmt::format("parameter '{}' must be a single value", key.scalar));
      }
      choice.params[key.scalar] = member.scalar;
    }
  } else {
    problems_.add(value, "a fault is a name, or a name with parameters: {kill-pod: {pod: etcd}}");
    return;
  }
  const auto known = faults_.find(choice.name);
  if (known == faults_.end()) {
    std::vector<std::string> names;
    for (const auto& [name, info] : faults_) {
      names.push_back(name);
    }
    problems_.add(*where,
                  fmt::format("there is no fault '{}'{}; there are {}",
                              choice.name,
                              yaml::hint(choice.name, names),
                              fmt::join(names, ", ")));
    return;
  }
  if (const auto complete = known->second.complete(choice.params); !complete) {
    problems_.add(*where, complete.error().message());
  }
  suite.faults.push_back(std::move(choice));
}

void SuiteLoader::read_offset(const Value& value, Suite& suite) {
  if (value.scalar == "0%") {
    suite.offsets.emplace_back(0);
    return;
  }
  if (value.scalar.ends_with('%')) {
    problems_.add(value,
                  fmt::format("offset '{}': a percentage needs learned lengths of the window, "
                              "which this version does not keep; write a duration such as 500ms",
                              value.scalar));
    return;
  }
  const auto duration = parse_duration(value.scalar);
  if (!duration) {
    problems_.add(value, "offset " + duration.error().message());
    return;
  }
  suite.offsets.push_back(*duration);
}

void SuiteLoader::read_matrix(const Value& value, Suite& suite) {
  Reader reader(value, "matrix", problems_);
  for (const Value* fault : reader.items("fault", true)) {
    read_fault(*fault, suite);
  }
  suite.windows = reader.texts("window");
  for (const Value* offset : reader.items("offset")) {
    read_offset(*offset, suite);
  }
  suite.targets = reader.texts("target");
  reader.finish();
  if (suite.offsets.empty()) {
    suite.offsets.emplace_back(0);
  }
  if (suite.targets.empty()) {
    suite.targets = {"first-server"};
  }
}

void SuiteLoader::read_exclusion(const Value& value, Suite& suite) {
  Reader reader(value, "exclusion", problems_);
  Exclusion out;
  out.fault = reader.text_or("fault", "*");
  out.window = reader.text_or("window", "*");
  out.target = reader.text_or("target", "*");
  out.path = reader.text_or("path", "*");
  out.keep_one = reader.choice_or("keep", {"one", "none"}, "none") == "one";
  out.reason = reader.text("reason");
  reader.finish();
  suite.exclude.push_back(std::move(out));
}

void SuiteLoader::read_budget(const Value& value, Suite& suite) {
  Reader reader(value, "budget", problems_);
  suite.budget.servers_down = static_cast<int>(reader.integer_or("servers_down", 1, 0, 99));
  suite.budget.apiserver_outage =
      reader.duration_or("apiserver_outage", suite.budget.apiserver_outage);
  suite.budget.recovery = reader.duration_or("recovery", suite.budget.recovery);
  reader.finish();
}

Result<Suite> SuiteLoader::load(const Value& root) {
  Reader reader(root, "suite", problems_);
  Suite suite;
  suite.file = file_;
  suite.name = reader.text("suite");
  suite.question = reader.text("question");
  for (const Value* path : reader.items("paths", true)) {
    read_path(*path, suite);
  }
  if (const Value* matrix = reader.take("matrix")) {
    read_matrix(*matrix, suite);
  } else {
    suite.faults = {{"none", {}}};
    suite.offsets = {Microseconds(0)};
    suite.targets = {"first-server"};
  }
  for (const Value* exclusion : reader.items("exclude")) {
    read_exclusion(*exclusion, suite);
  }
  suite.hits = static_cast<int>(reader.integer_or("hits", 1, 1, 1000));
  suite.attempts = static_cast<int>(reader.integer_or("attempts", 5, 1, 10'000));
  if (suite.attempts < suite.hits) {
    problems_.add(
        *reader.take("attempts"),
        fmt::format("'attempts' ({}) must be at least 'hits' ({})", suite.attempts, suite.hits));
  }
  if (const Value* budget = reader.take("budget")) {
    read_budget(*budget, suite);
  }
  reader.finish();
  TRY(problems_.status(), "suite");
  return suite;
}

}  // namespace

std::string_view to_string(Expect expect) {
  return expect == Expect::fail ? "fail" : "pass";
}

std::string FaultChoice::describe() const {
  std::string out = name;
  for (const auto& [key, value] : params) {
    out += fmt::format(" {}={}", key, value);
  }
  return out;
}

Result<Suite> parse_suite(std::string_view text,
                          const std::string& file,
                          const FaultCatalogue& faults) {
  TRY_ASSIGN(const Value root, yaml::parse(text, file), "suite");
  return SuiteLoader(file, faults).load(root);
}

Result<Suite> load_suite(const std::string& path, const FaultCatalogue& faults) {
  TRY_ASSIGN(const Value root, yaml::read(path), "suite");
  return SuiteLoader(path, faults).load(root);
}

}  // namespace harness::plan
