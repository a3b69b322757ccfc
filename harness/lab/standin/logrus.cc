#include "harness/lab/standin/logrus.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <mutex>

#include <unistd.h>

namespace harness::standin::logrus {

namespace {

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._/@^+").find(c) != std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string value(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) {
    return std::string(text);
  }
  return quoted(text);
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string render(std::string_view level, std::string_view message, std::int64_t wall_seconds) {
  const std::time_t when = wall_seconds;
  std::tm utc{};
  gmtime_r(&when, &utc);
  return fmt::format("time=\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z\" level={} msg={}",
                     utc.tm_year + 1900,
                     utc.tm_mon + 1,
                     utc.tm_mday,
                     utc.tm_hour,
                     utc.tm_min,
                     utc.tm_sec,
                     level,
                     value(message));
}

std::string render_klog(
    char severity, std::string_view source, std::string_view text, std::int64_t wall_us, int pid) {
  const std::time_t when = wall_us / 1000000;
  std::tm utc{};
  gmtime_r(&when, &utc);
  return fmt::format("{}{:02}{:02} {:02}:{:02}:{:02}.{:06} {:7} {}] {}",
                     severity,
                     utc.tm_mon + 1,
                     utc.tm_mday,
                     utc.tm_hour,
                     utc.tm_min,
                     utc.tm_sec,
                     wall_us % 1000000,
                     pid,
                     source,
                     text);
}

void write_raw(std::string_view line) {
  static std::mutex mutex;
  std::string whole(line);
  whole += '\n';
  std::lock_guard lock(mutex);
  std::string_view left = whole;
  while (!left.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written <= 0) {
      return;
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write(std::string_view level, std::string_view message) {
  write_raw(render(level, message, now_us() / 1000000));
}

void write_klog(char severity, std::string_view source, std::string_view text) {
  write_raw(render_klog(severity, source, text, now_us(), ::getpid()));
}

void die() {
  ::_exit(1);
}

}  // namespace harness::standin::logrus
