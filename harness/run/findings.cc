// What doctor found, in words and in JSON.
#include <algorithm>

#include <fmt/format.h>

#include "harness/run/doctor.h"

namespace harness::run {

std::string_view to_string(Finding::Grade grade) {
  switch (grade) {
    case Finding::Grade::good:
      return "good";
    case Finding::Grade::limited:
      return "limited";
    case Finding::Grade::blocking:
      return "blocking";
  }
  return "?";
}

bool blocks(const std::vector<Finding>& findings) {
  return std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.grade == Finding::Grade::blocking; });
}

bool blocked_by(const std::vector<Finding>& findings, std::string_view what) {
  return std::ranges::any_of(findings, [what](const Finding& finding) {
    return finding.grade == Finding::Grade::blocking && finding.what == what;
  });
}

std::string describe(const std::vector<Finding>& findings, Finding::Grade least) {
  std::string out;
  for (const Finding& finding : findings) {
    if (finding.grade < least) {
      continue;
    }
    out += fmt::format("{:<9} {:<8} {:<14} {}{}{}\n",
                       to_string(finding.grade),
                       finding.node,
                       finding.what,
                       finding.seen,
                       finding.advice.empty() ? "" : "; ",
                       finding.advice);
  }
  return out;
}

Json to_json(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& finding : findings) {
    out.push_back({{"grade", to_string(finding.grade)},
                   {"node", finding.node},
                   {"what", finding.what},
                   {"seen", finding.seen},
                   {"advice", finding.advice}});
  }
  return out;
}

}  // namespace harness::run
