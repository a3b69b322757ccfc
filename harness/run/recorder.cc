#include "harness/run/recorder.h"

namespace harness::run {

void Recorder::begin_trial(const std::string& case_name, int trial) {
  const std::lock_guard lock(mutex_);
  case_ = case_name;
  trial_ = trial;
}

void Recorder::end_trial() {
  begin_trial({}, 0);
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
