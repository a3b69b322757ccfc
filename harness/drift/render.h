// A survey for people, for pipelines, and as a report that a user can send to us. Nothing in it
// names a host; texts are redacted.
#pragma once

#include <deque>
#include <string>

#include "harness/drift/survey.h"

namespace harness::drift {

struct Source {
  std::string what;  // "journal.txt (text)", "cp-1"
  std::uint64_t entries = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t invocations = 0;  // that came, also those not listed
};

Json to_json(const Source& source, const std::deque<Invocation>& invocations);
std::string to_text(const Source& source, const std::deque<Invocation>& invocations);
// Markdown: what drifts only, ready to be pasted into an issue.
std::string to_report(const Source& source,
                      const std::deque<Invocation>& invocations,
                      const std::string& tool);

bool drifts(const std::deque<Invocation>& invocations);

}  // namespace harness::drift
