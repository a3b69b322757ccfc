#include "harness/run/recorder.h"

#include <utility>

namespace harness::run {

void Recorder::begin_trial(const std::string& case_name, int trial) {
  const std::lock_guard lock(mutex_);
  case_ = case_name;
  trial_ = trial;
}

std::vector<Json> Recorder::end_trial() {
  const std::lock_guard lock(mutex_);
  case_.clear();
  trial_ = 0;
  return std::exchange(events_, {});
}

void Recorder::put(Json event) {
  {
    const std::lock_guard lock(mutex_);
    if (!case_.empty()) {
      event["case"] = case_;
      event["trial"] = trial_;
    }
    const Status status = log_.append(event);
    if (!status && written_) {
      written_ = status;
    }
    if (!case_.empty()) {
      events_.push_back(event);
    }
  }
  progress_.see(event);
}

observe::Sink Recorder::sink() {
  return [this](Json event) { put(std::move(event)); };
}

Status Recorder::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

}  // namespace harness::run
