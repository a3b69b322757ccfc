#include "harness/run/open_windows.h"

#include <fmt/format.h>

#include "harness/event/event.h"

namespace harness::run {

void OpenWindows::follow(const std::string& node, const std::string& window) {
  open_.emplace(std::pair(node, window), false);
}

void OpenWindows::saw(const Json& event) {
  if (json_string(event, "type") != event::type::kWindow) {
    return;
  }
  const std::lock_guard held(mutex_);
  const auto found = open_.find({json_string(event, "node"), json_string(event, "window")});
  if (found != open_.end()) {
    found->second = json_string(event, "op") == "opened";
    changed_.notify_all();
  }
}

std::string OpenWindows::open_now() const {
  std::string out;
  for (const auto& [which, open] : open_) {
    if (open) {
      out += fmt::format("{}{} on {}", out.empty() ? "" : ", ", which.second, which.first);
    }
  }
  return out;
}

std::string OpenWindows::open() const {
  const std::lock_guard held(mutex_);
  return open_now();
}

Status OpenWindows::await_closed(Deadline deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, stop, deadline.left(), [&] { return open_now().empty(); })) {
    return {};
  }
  const bool stopped = stop.stop_requested();
  return fail(
      stopped ? ErrorCode::refused : ErrorCode::timed_out,
      fmt::format(
          "{}: {} did not close", stopped ? "interrupted" : "the deadline passed", open_now()));
}

}  // namespace harness::run
