// Where every event of a run goes: into the log, with the case and trial it belongs to, and to
// whoever shows progress. One per run; safe from several threads.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "harness/event/log.h"
#include "harness/observe/sink.h"
#include "harness/run/progress.h"

namespace harness::run {

class Recorder {
 public:
  Recorder(event::EventLog& log, Progress& progress) : log_(log), progress_(progress) {}

  void begin_trial(const std::string& case_name, int trial);
  // The trial's events, as the log has them.
  std::vector<Json> end_trial();

  void put(Json event);
  observe::Sink sink();

  Progress& progress() { return progress_; }

  // The first error of writing the log; a run whose events are lost proves nothing.
  Status written() const;

 private:
  event::EventLog& log_;
  Progress& progress_;
  mutable std::mutex mutex_;
  std::string case_;
  int trial_ = 0;
  std::vector<Json> events_;  // of the trial that runs
  Status written_;
};

}  // namespace harness::run
