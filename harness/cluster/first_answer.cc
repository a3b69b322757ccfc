#include "harness/cluster/first_answer.h"

#include <utility>

namespace harness::cluster {

void FirstAnswer::say(Ask how) {
  const std::lock_guard lock(mutex_);
  how_ = std::move(how);
  said_.notify_all();
}

Status FirstAnswer::ask(Deadline deadline) {
  Ask how;
  {
    std::unique_lock lock(mutex_);
    if (!said_.wait_for(lock, deadline.left() / 2, [&] { return how_.has_value(); })) {
      return {};
    }
    how = *how_;
  }
  return how ? how(deadline) : Status();
}

}  // namespace harness::cluster
