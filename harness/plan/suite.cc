#include "harness/plan/suite.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/naming.h"
#include "harness/plan/offset.h"
#include "harness/plan/path.h"
#include "harness/yaml/reader.h"

namespace harness::plan {
namespace {

using yaml::Problems;
using yaml::Reader;
using yaml::Value;

std::vector<Named> read_names(Reader& reader, std::string_view key) {
  std::vector<Named> out;
  for (const Value* item : reader.items(key)) {
    if (item->kind == Value::Kind::scalar) {
      out.push_back({item->scalar, place_of(*item)});
    } else {
      reader.problems().add(*item, fmt::format("an element of '{}' must be a name", key));
    }
  }
  return out;
}

Named read_name(Reader& reader, std::string_view key) {
  const Value* value = reader.take(key);
  if (value == nullptr) {
    return {};
  }
  if (value->kind != Value::Kind::scalar || value->scalar.empty()) {
    reader.problems().add(*value, fmt::format("'{}' must be one name", key));
  }
  return {value->scalar, place_of(*value)};
}

class SuiteLoader {
 public:
  SuiteLoader(std::string file, const Catalogue& catalogue)
      : file_(std::move(file)), catalogue_(catalogue), problems_(file_) {}

  Result<Suite> load(const Value& root);

 private:
  void check_fault(const Value& where, FaultChoice& choice);
  FaultChoice read_fault(const Value& value);
  void read_further(const Value& value, Suite& suite);
  void read_matrix(const Value& value, Suite& suite);
  void read_exclusion(const Value& value, Suite& suite);
  void read_budget(const Value& value, Suite& suite);

  const std::string file_;
  const Catalogue& catalogue_;
  Problems problems_;
};

FaultChoice SuiteLoader::read_fault(const Value& value) {
  FaultChoice choice;
  const Value* where = &value;
  if (value.kind == Value::Kind::scalar) {
    choice.name = value.scalar;
  } else if (value.kind == Value::Kind::mapping && value.members.size() == 1) {
    where = &value.members[0].key;
    choice.name = value.members[0].key.scalar;
    const Value& params = value.members[0].value;
    if (params.kind != Value::Kind::mapping && params.kind != Value::Kind::null) {
      problems_.add(params,
                    fmt::format("parameters of '{}' must be a mapping, as in {{kill-pod: {{pod: "
                                "etcd}}}}",
                                choice.name));
      return choice;
    }
    for (const auto& [key, member] : params.members) {
      if (member.kind != Value::Kind::scalar) {
        problems_.add(member, fmt::format("parameter '{}' must be a single value", key.scalar));
      }
      choice.params[key.scalar] = member.scalar;
    }
  } else {
    problems_.add(value, "a fault is a name, or a name with parameters: {kill-pod: {pod: etcd}}");
    return choice;
  }
  check_fault(*where, choice);
  return choice;
}

void SuiteLoader::read_further(const Value& value, Suite& suite) {
  Reader reader(value, "faults", problems_);
  FurtherFault out;
  if (const Value* fault = reader.take("fault")) {
    out.fault = read_fault(*fault);
    if (out.fault.name == "none") {
      problems_.add(*fault, "a further fault cannot be 'none'");
    }
  } else {
    problems_.add(value, "an element of 'faults' needs the key 'fault'");
  }
  out.window = read_name(reader, "window");
  if (out.window.place.line == 0) {
    out.window.place = place_of(value);
    problems_.add(value, "an element of 'faults' needs the key 'window'");
  }
  if (const Value* offset = reader.take("offset")) {
    out.offset = read_offset(*offset, problems_);
    if (out.offset.at.kind == aim::Offset::Kind::sweep) {
      problems_.add(*offset, "only the matrix's own offset can be a sweep");
    }
  }
  out.target = read_name(reader, "target");
  out.seen_on = read_name(reader, "while");
  out.after_previous = reader.choice_or("after", {"previous", "nothing"}, "nothing") == "previous";
  out.next_boot = reader.choice_or("boot", {"next", "same"}, "same") == "next";
  if (out.next_boot && out.after_previous) {
    problems_.add(value, "what waits for the next boot is armed before the step, not in turn");
  }
  if (!out.seen_on.text.empty() && (out.next_boot || out.after_previous)) {
    problems_.add(
        value,
        "what waits for another node's window (`while`) is armed before the step, neither "
        "in turn nor for the next boot");
  }
  reader.finish();
  suite.further.push_back(std::move(out));
}

void SuiteLoader::check_fault(const Value& where, FaultChoice& choice) {
  const auto known = catalogue_.faults.find(choice.name);
  if (known == catalogue_.faults.end()) {
    std::vector<std::string> names;
    for (const auto& [name, info] : catalogue_.faults) {
      names.push_back(name);
    }
    problems_.add(where,
                  fmt::format("there is no fault '{}'{}; there are {}",
                              choice.name,
                              yaml::hint(choice.name, names),
                              fmt::join(names, ", ")));
    return;
  }
  const auto complete = known->second.complete(choice.params);
  if (!complete) {
    problems_.add(where, complete.error().message());
  } else if (known->second.stretches) {
    choice.stretch = FaultChoice{choice.name, *complete}.describe();
  }
}

void SuiteLoader::read_matrix(const Value& value, Suite& suite) {
  Reader reader(value, "matrix", problems_);
  for (const Value* fault : reader.items("fault", true)) {
    suite.faults.push_back(read_fault(*fault));
  }
  suite.matrix = place_of(value);
  suite.windows = read_names(reader, "window");
  for (const Value* offset : reader.items("offset")) {
    suite.offsets.push_back(read_offset(*offset, problems_));
  }
  suite.targets = read_names(reader, "target");
  suite.seen_on = read_name(reader, "while");
  reader.finish();
  for (const OffsetChoice& offset : suite.offsets) {
    if (!suite.seen_on.text.empty() && offset.at.kind == aim::Offset::Kind::sweep) {
      problems_.add(value,
                    "a sweep needs a window of the target itself: between nodes (`while`) the "
                    "controller's way adds more than its steps");
    }
  }
  if (suite.offsets.empty()) {
    suite.offsets.emplace_back();
  }
  if (suite.targets.empty()) {
    suite.targets = {{"first-server", {}}};
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
    suite.paths.push_back(read_path(*path, catalogue_.checks, problems_));
  }
  if (const Value* matrix = reader.take("matrix")) {
    read_matrix(*matrix, suite);
  } else {
    suite.faults = {{"none", {}}};
    suite.offsets = {OffsetChoice{}};
    suite.targets = {{"first-server", {}}};
  }
  for (const Value* further : reader.items("faults")) {
    read_further(*further, suite);
  }
  for (const Value* exclusion : reader.items("exclude")) {
    read_exclusion(*exclusion, suite);
  }
  suite.hits = static_cast<int>(reader.integer_or("hits", 1, 1, 1000));
  suite.attempts = static_cast<int>(reader.integer_or("attempts", 5, 1, 10'000));
  const Value* hits = reader.take("hits");
  const Value* attempts = reader.take("attempts");
  if (suite.attempts < suite.hits) {
    problems_.add(
        *(attempts != nullptr ? attempts : hits),
        fmt::format("'attempts' ({}) must be at least 'hits' ({})", suite.attempts, suite.hits));
  }
  if (hits != nullptr) {
    check_sweeps(suite, *hits, problems_);
  }
  if (const Value* budget = reader.take("budget")) {
    read_budget(*budget, suite);
  }
  reader.finish();
  tell_apart(suite);
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
                          const Catalogue& catalogue) {
  TRY_ASSIGN(const Value root, yaml::parse(text, file), "suite");
  return SuiteLoader(file, catalogue).load(root);
}

Result<Suite> load_suite(const std::string& path, const Catalogue& catalogue) {
  TRY_ASSIGN(const Value root, yaml::read(path), "suite");
  return SuiteLoader(path, catalogue).load(root);
}

}  // namespace harness::plan
