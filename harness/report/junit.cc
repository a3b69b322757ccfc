#include <map>
#include <numeric>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "harness/report/report.h"

namespace harness::report {
namespace {

std::string suite_of(const std::string& name) {
  return name.substr(0, name.find('/'));
}

// "suite.path": what history tools group by.
std::string class_of(const std::string& name) {
  const std::size_t first = name.find('/');
  const std::size_t second = first == std::string::npos ? first : name.find('/', first + 1);
  std::string out = name.substr(0, second);
  if (first != std::string::npos) {
    out[first] = '.';
  }
  return out;
}

std::string rest_of(const std::string& name) {
  const std::size_t first = name.find('/');
  const std::size_t second = first == std::string::npos ? first : name.find('/', first + 1);
  return second == std::string::npos ? name : name.substr(second + 1);
}

void add_outcome(pugi::xml_node test, const check::CaseVerdict& one) {
  const auto child = [&](const char* tag) {
    pugi::xml_node node = test.append_child(tag);
    node.append_attribute("message") = printable(one.reason, 400).c_str();
    return node;
  };
  std::string text;
  for (const check::TrialVerdict& trial : one.trials) {
    text += fmt::format(
        "trial {}: {}: {}\n", trial.trial, check::to_string(trial.verdict), trial.reason);
    for (const check::CheckResult& result : trial.checks) {
      text += fmt::format(
          "  {} {}: {}\n", check::to_string(result.verdict), result.name, result.reason);
    }
  }
  switch (one.verdict) {
    case check::Verdict::fail: {  // an unexpected pass is one too; the message says so
      pugi::xml_node node = child("failure");
      node.append_attribute("type") = "product";
      node.text() = printable(text, 20'000).c_str();
      return;
    }
    case check::Verdict::error:
      child("error").append_attribute("type") = "harness";
      break;
    case check::Verdict::unproven:
    case check::Verdict::skip:
      child("skipped");
      break;
    case check::Verdict::pass:
      break;
  }
  test.append_child("system-out").text() = printable(text, 20'000).c_str();
}

void add_property(pugi::xml_node properties, const char* name, const std::string& value) {
  pugi::xml_node property = properties.append_child("property");
  property.append_attribute("name") = name;
  property.append_attribute("value") = printable(value, 400).c_str();
}

double duration_of(const check::CaseVerdict& one) {
  double total = 0;
  for (const check::TrialVerdict& trial : one.trials) {
    total += trial.duration_s;
  }
  return total;
}

// What belongs to this run and not to the name.
void add_case_properties(pugi::xml_node test, const check::CaseVerdict& one) {
  pugi::xml_node properties = test.append_child("properties");
  add_property(properties, "expect", one.expect);
  add_property(properties, "outcome", std::string(check::to_string(one.outcome)));
  if (!one.issue.empty()) {
    add_property(properties, "issue", one.issue);
  }
  add_property(properties, "trials", std::to_string(one.trials.size()));
  if (one.trials.empty()) {
    return;
  }
  const check::TrialVerdict& last = one.trials.back();
  add_property(properties, "from", last.from);
  add_property(properties, "to", last.to);
  add_property(properties, "fault", last.fault);
  add_property(properties, "window", last.window);
  add_property(properties, "offset", last.offset);
}

}  // namespace

std::string to_junit(const Model& model) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("testsuites");
  root.append_attribute("name") = "hookshot";
  std::map<std::string, std::vector<const check::CaseVerdict*>> suites;
  for (const check::CaseVerdict& one : model.cases) {
    suites[suite_of(one.name)].push_back(&one);
  }
  for (const auto& [name, cases] : suites) {
    pugi::xml_node suite = root.append_child("testsuite");
    suite.append_attribute("name") = name.c_str();
    suite.append_attribute("tests") = cases.size();
    std::map<check::Verdict, int> counts;
    for (const check::CaseVerdict* one : cases) {
      ++counts[one->verdict];
    }
    suite.append_attribute("failures") = counts[check::Verdict::fail];
    suite.append_attribute("errors") = counts[check::Verdict::error];
    suite.append_attribute("skipped") =
        counts[check::Verdict::unproven] + counts[check::Verdict::skip];
    suite.append_attribute("time") =
        fmt::format("{:.3f}",
                    std::accumulate(cases.begin(),
                                    cases.end(),
                                    0.0,
                                    [](double sum, const check::CaseVerdict* one) {
                                      return sum + duration_of(*one);
                                    }))
            .c_str();
    suite.append_attribute("timestamp") = model.started.c_str();
    pugi::xml_node properties = suite.append_child("properties");
    add_property(properties, "seed", std::to_string(model.seed));
    add_property(properties, "tool", model.tool);
    add_property(properties, "run", model.run);
    add_property(properties, "cluster", model.cluster);
    add_property(properties, "inventory", model.inventory);
    if (model.standin) {
      add_property(properties, "standin", "true");
    }
    for (const check::CaseVerdict* one : cases) {
      pugi::xml_node test = suite.append_child("testcase");
      test.append_attribute("classname") = printable(class_of(one->name), 400).c_str();
      test.append_attribute("name") = printable(rest_of(one->name), 400).c_str();
      test.append_attribute("time") = fmt::format("{:.3f}", duration_of(*one)).c_str();
      add_case_properties(test, *one);
      add_outcome(test, *one);
    }
  }
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace harness::report
