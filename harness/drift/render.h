// A survey for people, for pipelines, and as a report that a user can send to us.
//
// Texts are redacted. The journal's host, and the nodes that the inventory or the service itself
// names, are [node] in every text of a line; where a survey came from is told everywhere but in the
// report. Names of other hosts that an unexplained line says are not known, and stay.
#pragma once

#include <deque>
#include <string>

#include "harness/drift/verdict.h"

namespace harness::drift {

Json to_json(const Source& source, const std::deque<Invocation>& invocations);
std::string to_text(const Source& source, const std::deque<Invocation>& invocations);
// Markdown: what drifts only, ready to be pasted into an issue.
std::string to_report(const Source& source,
                      const std::deque<Invocation>& invocations,
                      const std::string& tool);

}  // namespace harness::drift
