// A run's verdicts, rendered. Only from values: the model is what verdict.json holds, the events
// are the run's own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/judge.h"

namespace harness::report {

struct Model {
  std::string run;  // name of the run folder
  std::string tool;
  std::uint64_t seed = 0;
  std::string inventory;  // digest
  std::string cluster;
  std::string started;  // RFC 3339
  std::string finished;
  std::vector<check::CaseVerdict> cases;
  std::vector<std::string> dirty;  // nodes that could not be healed, and why

  check::Verdict verdict() const { return check::worst(cases); }

  Json to_json() const;
};

// verdict.json
std::string to_verdict_json(const Model& model);
// Stable names, no seed, host or time in them; unproven and skip are <skipped>, error is <error>.
std::string to_junit(const Model& model);
// What a terminal or a chat shows: the verdict first, then who must act.
std::string to_markdown(const Model& model);
// One file, no network, no script. `trial_events` gives the events of a case's trial for its
// timeline.
std::string to_html(const Model& model,
                    const std::function<std::vector<Json>(const std::string&, int)>& trial_events);

// Text for XML and HTML: escaped, control characters replaced, at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 4000);

}  // namespace harness::report
