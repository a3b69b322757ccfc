#include "harness/event/slices.h"

#include <fstream>

#include <fmt/format.h>

#include "harness/event/log.h"

namespace harness::event {

void EventFile::note(const Json& event, Range line) {
  const std::string name = json_string(event, "case");
  if (name.empty()) {
    return;
  }
  Slice& slice = slices_[name][static_cast<int>(json_int(event, "trial"))];
  ++slice.events;
  if (!slice.ranges.empty() && slice.ranges.back().end == line.begin) {
    slice.ranges.back().end = line.end;
  } else {
    slice.ranges.push_back(line);
  }
}

Result<EventFile> EventFile::open(const std::string& path,
                                  const std::function<void(const Json&)>& see) {
  EventFile file(path);
  TRY(read_event_lines(path,
                       [&](const Json& event, std::uint64_t begin, std::uint64_t end) {
                         see(event);
                         file.note(event, {begin, end});
                       }),
      "events");
  return file;
}

std::vector<int> EventFile::trials_of(const std::string& case_name) const {
  std::vector<int> out;
  if (const auto found = slices_.find(case_name); found != slices_.end()) {
    for (const auto& [trial, slice] : found->second) {
      out.push_back(trial);
    }
  }
  return out;
}

Result<std::vector<Json>> EventFile::read(const std::string& case_name, int trial) const {
  const auto of_case = slices_.find(case_name);
  if (of_case == slices_.end() || !of_case->second.contains(trial)) {
    return std::vector<Json>();
  }
  const Slice& slice = of_case->second.at(trial);
  std::ifstream in(path_, std::ios::binary);
  std::vector<Json> out;
  out.reserve(slice.events);
  std::string line;
  for (const Range& range : slice.ranges) {
    in.seekg(static_cast<std::streamoff>(range.begin));
    for (std::uint64_t at = range.begin; at < range.end && std::getline(in, line);
         at += line.size() + 1) {
      if (auto event = parse_json(line)) {
        out.push_back(*std::move(event));
      }
    }
  }
  if (out.size() != slice.events) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: {} of the {} events of {} trial {} can be read; the file was "
                            "changed meanwhile: read it again when nothing writes to it",
                            path_,
                            out.size(),
                            slice.events,
                            case_name,
                            trial));
  }
  return out;
}

}  // namespace harness::event
