#include "harness/event/log.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/redact.h"
#include "harness/base/time.h"

namespace harness::event {
namespace {

// Strings are redacted before they are written as JSON: redacting finished JSON could cut its
// quotes.
void redact_strings(Json& value) {
  if (value.is_string()) {
    value = redact(value.get_ref<const std::string&>());
  } else if (value.is_structured()) {
    for (Json& item : value) {
      redact_strings(item);
    }
  }
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(const std::string& path) {
  std::uint64_t next = 1;
  std::uint64_t size = 0;
  if (access(path.c_str(), F_OK) == 0) {
    TRY(read_event_lines(path,
                         [&](const Json& event, std::uint64_t, std::uint64_t end) {
                           next = static_cast<std::uint64_t>(json_int(event, "seq")) + 1;
                           size = end;
                         }),
        "go on with " + path);
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return fail(ErrorCode::internal, fmt::format("open {}: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<EventLog> log(new EventLog(path, fd, next, size));
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    return fail(ErrorCode::internal, fmt::format("cut {}: {}", path, std::strerror(errno)));
  }
  return log;
}

EventLog::~EventLog() {
  close(fd_);
}

Status EventLog::append(Json& event) {
  redact_strings(event);
  const std::lock_guard lock(mutex_);
  event["seq"] = next_;
  event["at"] = format_wall(wall_now_us());
  const std::string line = event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  ssize_t written = -1;
  do {
    written = write(fd_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) {
    const std::string why = written < 0 ? std::strerror(errno) : "the disk took only a part of it";
    // A part of a line in the middle of the file would make all of it unreadable.
    static_cast<void>(!ftruncate(fd_, static_cast<off_t>(size_)));
    return fail(ErrorCode::internal,
                fmt::format("write {}: {}; free some space there", path_, why));
  }
  ++next_;
  size_ += line.size();
  return {};
}

Result<ReadReport> read_event_lines(
    const std::string& path,
    const std::function<void(Json, std::uint64_t begin, std::uint64_t end)>& take) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  ReadReport report;
  std::string line;
  std::uint64_t begin = 0;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (in.eof()) {
      report.partial_tail = true;
      break;
    }
    const std::uint64_t end = begin + line.size() + 1;
    auto event = parse_json(line);
    if (!event || !event->is_object()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}:{}: not an event: {}",
                              path,
                              number,
                              event ? "no object" : event.error().message()));
    }
    ++report.events;
    take(*std::move(event), begin, end);
    begin = end;
  }
  return report;
}

Result<ReadReport> read_events(const std::string& path, const std::function<void(Json)>& take) {
  return read_event_lines(
      path, [&](Json event, std::uint64_t, std::uint64_t) { take(std::move(event)); });
}

}  // namespace harness::event
