// The event log of a run: events.jsonl, append-only, one event per line, flushed line by line. It
// is the truth: everything after the observing can be made again from it. event.h says what the
// lines hold.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::event {

class EventLog {
 public:
  // Creates the file, or goes on after its last whole line; half a line that a killed writer left
  // behind is cut off.
  static Result<std::unique_ptr<EventLog>> open(const std::string& path);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Adds "seq" and "at" (the controller's time) and writes the line at once, redacted, whole or not
  // at all. Safe from several threads.
  Status append(Json& event);

 private:
  EventLog(std::string path, int fd, std::uint64_t next, std::uint64_t size)
      : path_(std::move(path)), fd_(fd), next_(next), size_(size) {}

  const std::string path_;
  const int fd_;
  std::mutex mutex_;
  std::uint64_t next_;
  std::uint64_t size_;  // of the whole lines
};

struct ReadReport {
  std::uint64_t events = 0;
  bool partial_tail = false;  // the last line is cut: the writer died in the middle of it
};

// Hands over each event in order, with memory for one line. A broken line before the last is an
// error with its number; a cut last line is reported.
Result<ReadReport> read_events(const std::string& path, const std::function<void(Json)>& take);
// The same, with where the line lies in the file: [begin, end), its line end included.
Result<ReadReport> read_event_lines(
    const std::string& path,
    const std::function<void(Json, std::uint64_t begin, std::uint64_t end)>& take);

}  // namespace harness::event
