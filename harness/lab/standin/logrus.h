// The log of the stand-in: the form that the product writes when its output is no terminal.
//   time="2025-05-16T09:07:39Z" level=info msg="Running containerd -c ..."
// Lines go to standard output in one write each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace harness::standin::logrus {

// One line without its end. A value that needs no quotes has none; quotes and control characters
// are escaped.
std::string render(std::string_view level, std::string_view message, std::int64_t wall_seconds);

// The form of the libraries inside the product: E0516 09:07:39.123456   1234 storage_rbac.go:231]
// text
std::string render_klog(
    char severity, std::string_view source, std::string_view text, std::int64_t wall_us, int pid);

void write(std::string_view level, std::string_view message);
void write_klog(char severity, std::string_view source, std::string_view text);
// Writes whole lines as they are, for what a child says on our behalf.
void write_raw(std::string_view line);
// Ends the process with status 1, now: no destructor runs, children die with us.
[[noreturn]] void die();

template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write("info", fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write("warning", fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write("error", fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void fatal(fmt::format_string<Args...> format, Args&&... args) {
  write("fatal", fmt::format(format, std::forward<Args>(args)...));
  die();
}

}  // namespace harness::standin::logrus
