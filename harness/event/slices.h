// Trials out of an event log of any size. The file is read once; what is kept is where each trial's
// lines are, so memory does not grow with the events.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::event {

class EventFile {
 public:
  // `see` is shown every event in order, those of no trial too. Half a last line is no event.
  static Result<EventFile> open(
      const std::string& path, const std::function<void(const Json&)>& see = [](const Json&) {});

  // The numbers of a case's trials, the lowest first.
  std::vector<int> trials_of(const std::string& case_name) const;

  // A trial's events in order, also where another's lie between; none where there is no such trial.
  Result<std::vector<Json>> read(const std::string& case_name, int trial) const;

 private:
  struct Range {
    std::uint64_t begin = 0;  // bytes
    std::uint64_t end = 0;
  };

  struct Slice {
    std::uint64_t events = 0;
    std::vector<Range> ranges;
  };

  explicit EventFile(std::string path) : path_(std::move(path)) {}

  void note(const Json& event, Range line);

  std::string path_;
  std::map<std::string, std::map<int, Slice>> slices_;  // by case and trial
};

}  // namespace harness::event
