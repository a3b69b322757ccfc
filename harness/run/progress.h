// What a run looks like while it goes on: a live status line on a terminal (step, window, probes,
// time), plain lines elsewhere. It reads the same events that are written to the log and knows
// nothing more.
#pragma once

#include <cstdio>
#include <map>
#include <mutex>
#include <string>

#include "harness/base/json.h"
#include "harness/base/time.h"

namespace harness::run {

class Progress {
 public:
  enum class Style { live, plain, silent };

  // Live on a terminal, else plain. NO_COLOR and TERM=dumb are honoured.
  static Style detect(std::FILE* out);

  Progress(std::FILE* out, Style style);
  ~Progress();

  // Takes every event; prints what an operator wants to know of it.
  void see(const Json& event);
  // A line of its own, in either style.
  void line(const std::string& text);

 private:
  void on_step(const Json& event);
  void on_fault(const Json& event);
  void redraw();
  void print(const std::string& text);

  std::FILE* out_;
  const Style style_;
  const SteadyTime started_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::string trial_;
  std::string step_;
  std::map<std::string, std::string> windows_;  // node -> open window
  std::map<std::string, std::string> probes_;   // "cp-1 readyz" -> outcome
  SteadyTime drawn_{};
  bool status_shown_ = false;
};

}  // namespace harness::run
