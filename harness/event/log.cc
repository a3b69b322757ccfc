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
  if (access(path.c_str(), F_OK) == 0) {
    TRY_ASSIGN(
        const ReadReport report, read_events(path, [](const Json&) {}), "go on with " + path);
    next = report.events + 1;
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return fail(ErrorCode::internal, fmt::format("open {}: {}", path, std::strerror(errno)));
  }
  return std::unique_ptr<EventLog>(new EventLog(path, fd, next));
}

EventLog::~EventLog() {
  close(fd_);
}

Status EventLog::append(Json& event) {
  redact_strings(event);
  const std::lock_guard lock(mutex_);
  event["seq"] = next_++;
  event["at"] = format_wall(wall_now_us());
  const std::string line = event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return fail(ErrorCode::internal,
                fmt::format("write {}: {}; free some space there", path_, std::strerror(errno)));
  }
  return {};
}

Result<ReadReport> read_events(const std::string& path, const std::function<void(Json)>& take) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  ReadReport report;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    const bool whole = !in.eof();
    auto event = parse_json(line);
    if (event) {
      ++report.events;
      take(*std::move(event));
    } else if (whole) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}:{}: not an event: {}", path, number, event.error().message()));
    } else {
      report.partial_tail = true;
    }
  }
  return report;
}

}  // namespace harness::event
