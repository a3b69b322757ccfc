// What a run looks like while it goes on: a live status line on a terminal (step, windows, probes,
// time left), redrawn once a second, above it plain lines; elsewhere plain lines only. It reads the
// same events that are written to the log and knows nothing more.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "harness/base/json.h"
#include "harness/base/time.h"

namespace harness::run {

class Progress {
 public:
  enum class Style { live, plain, silent };

  // Where it is written to. `write` is called by one thread at a time.
  struct Screen {
    std::function<void(std::string_view)> write;
    std::function<int()> columns = [] { return 80; };
    bool color = false;
    std::chrono::milliseconds redraw{1000};
  };

  // Live on a terminal, else plain; plain too where TERM is dumb.
  static Style detect(std::FILE* out);
  // Coloured, unless NO_COLOR is set to anything.
  static Screen screen(std::FILE* out);

  Progress(Screen screen, Style style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Takes every event; prints what an operator wants to know of it.
  void see(const Json& event);
  // A line of its own, in either style.
  void line(const std::string& text);

 private:
  // True when the status line has to change.
  bool take(const Json& event);
  void on_run(const Json& event);
  void on_step(const Json& event);
  void on_fault(const Json& event);
  bool on_probe(const Json& event);
  void redraw();
  void print(const std::string& text);
  std::string status(SteadyTime now) const;
  std::string time_left(SteadyTime now) const;

  const Screen screen_;
  const Style style_;
  const SteadyTime started_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::string step_;
  SteadyTime step_started_{};
  std::optional<SteadyTime> limit_;
  std::optional<SteadyTime> first_trial_;
  std::int64_t trials_planned_ = 0;
  std::int64_t trials_done_ = 0;
  std::map<std::string, std::string> windows_;  // node -> open window
  std::map<std::string, std::string> probes_;   // "cp-1 readyz" -> outcome
  bool status_shown_ = false;
  std::jthread redrawing_;  // last: it ends before the rest goes
};

}  // namespace harness::run
