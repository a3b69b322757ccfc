// Verdicts of cases, for tests: so many hits passed, so many failed, with their recovery times.
#pragma once

#include <string>
#include <vector>

#include "harness/check/judge.h"

namespace harness::compare {

inline const std::string kKill = "kill-pod.etcd/start-up-hooks+0s/cp-1";
inline const std::string kOld = "s/v1.30.12+rke2r1_to_v1.30.13-rc1+rke2r1/" + kKill;
inline const std::string kNew = "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/" + kKill;

struct Hits {
  int passed = 0;
  int failed = 0;
  double recovery_s = 20;  // of the first; each later one takes a tenth of a second more
  bool stretched = false;
  int alone = 0;  // failed without any fault
};

inline std::vector<check::TrialVerdict> trials_of(const Hits& hits) {
  std::vector<check::TrialVerdict> out;
  const auto add = [&](check::Verdict verdict, bool hit) {
    check::TrialVerdict trial{.trial = static_cast<int>(out.size()) + 1,
                              .verdict = verdict,
                              .reason = "r",
                              .hit = hit,
                              .counts = true,
                              .stretched = hits.stretched};
    if (verdict == check::Verdict::pass && hits.recovery_s > 0) {
      trial.checks.push_back({"apiserver-recovers",
                              verdict,
                              "ok",
                              hits.recovery_s + 0.1 * static_cast<double>(out.size())});
      trial.checks.push_back({"etcd-recovers", verdict, "ok", 1.0});
    }
    out.push_back(std::move(trial));
  };
  for (int i = 0; i < hits.passed; ++i) {
    add(check::Verdict::pass, true);
  }
  for (int i = 0; i < hits.failed; ++i) {
    add(check::Verdict::fail, true);
  }
  for (int i = 0; i < hits.alone; ++i) {
    add(check::Verdict::fail, false);
  }
  return out;
}

inline check::CaseVerdict a_case(const std::string& name,
                                 const std::vector<Hits>& hits,
                                 const std::string& expect = "pass") {
  std::vector<check::TrialVerdict> trials;
  for (const Hits& some : hits) {
    for (check::TrialVerdict& trial : trials_of(some)) {
      trial.trial = static_cast<int>(trials.size()) + 1;
      trials.push_back(std::move(trial));
    }
  }
  return check::fold({.name = name, .expect = expect, .issue = "i", .hits = 1}, std::move(trials));
}

}  // namespace harness::compare
