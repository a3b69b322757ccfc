#include "harness/event/slices.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "harness/event/log.h"

namespace harness::event {

void EventFile::note(Json event, std::uint64_t begin, std::uint64_t end) {
  ++events_;
  const std::string name = json_string(event, "case");
  if (name.empty()) {
    run_events_.push_back(std::move(event));
    return;
  }
  const auto trial = static_cast<int>(json_int(event, "trial"));
  // Nearly always the last one: trials run one after the other.
  const auto found = std::find_if(trials_.rbegin(), trials_.rend(), [&](const TrialSlice& slice) {
    return slice.trial == trial && slice.case_name == name;
  });
  if (found == trials_.rend()) {
    trials_.push_back({.case_name = name, .trial = trial, .events = 1, .ranges = {{begin, end}}});
    return;
  }
  ++found->events;
  if (found->ranges.back().end == begin) {
    found->ranges.back().end = end;
  } else {
    found->ranges.push_back({begin, end});
  }
}

Result<EventFile> EventFile::open(const std::string& path) {
  EventFile file(path);
  TRY_ASSIGN(const ReadReport report,
             read_event_lines(path,
                              [&](Json event, std::uint64_t begin, std::uint64_t end) {
                                file.note(std::move(event), begin, end);
                              }),
             "events");
  file.partial_tail_ = report.partial_tail;
  return file;
}

Result<std::vector<Json>> EventFile::read(const TrialSlice& slice) const {
  std::ifstream in(path_, std::ios::binary);
  std::vector<Json> out;
  out.reserve(slice.events);
  std::string line;
  for (const TrialSlice::Range& range : slice.ranges) {
    in.seekg(static_cast<std::streamoff>(range.begin));
    for (std::uint64_t at = range.begin; at < range.end && std::getline(in, line);
         at += line.size() + 1) {
      TRY_ASSIGN(Json event, parse_json(line), path_);
      out.push_back(std::move(event));
    }
  }
  if (out.size() != slice.events) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: {} of the {} events of {} trial {} can be read; was the file "
                            "changed meanwhile?",
                            path_,
                            out.size(),
                            slice.events,
                            slice.case_name,
                            slice.trial));
  }
  return out;
}

Result<std::vector<Json>> EventFile::read(const std::string& case_name, int trial) const {
  const auto found = std::ranges::find_if(trials_, [&](const TrialSlice& slice) {
    return slice.trial == trial && slice.case_name == case_name;
  });
  if (found == trials_.end()) {
    return std::vector<Json>();
  }
  return read(*found);
}

}  // namespace harness::event
