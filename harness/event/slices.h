// Trials out of an event log of any size. The file is read once; what is kept is where each trial's
// lines are, so memory does not grow with the events.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::event {

struct TrialSlice {
  std::string case_name;
  int trial = 0;
  std::uint64_t events = 0;

  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  std::vector<Range> ranges;  // bytes; more than one when other events lie between
};

class EventFile {
 public:
  static Result<EventFile> open(const std::string& path);

  // In order of first appearance.
  const std::vector<TrialSlice>& trials() const { return trials_; }

  // Events of no trial: the run's own.
  const std::vector<Json>& run_events() const { return run_events_; }

  std::uint64_t events() const { return events_; }

  // The writer died in the middle of the last line.
  bool partial_tail() const { return partial_tail_; }

  Result<std::vector<Json>> read(const TrialSlice& slice) const;
  // As above; empty when there is no such trial.
  Result<std::vector<Json>> read(const std::string& case_name, int trial) const;

 private:
  explicit EventFile(std::string path) : path_(std::move(path)) {}

  void note(Json event, std::uint64_t begin, std::uint64_t end);

  std::string path_;
  std::vector<TrialSlice> trials_;
  std::vector<Json> run_events_;
  std::uint64_t events_ = 0;
  bool partial_tail_ = false;
};

}  // namespace harness::event
