#include "harness/run/progress.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/base/eventually.h"
#include "harness/base/redact.h"
#include "harness/run/terminal_text.h"

namespace harness::run {
namespace {

using std::chrono::seconds;

constexpr std::string_view kClearLine = "\r\033[K";
constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kPlain = "\033[0m";

std::string seconds_of(std::int64_t us) {
  return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
}

std::string clock_of(SteadyTime::duration span) {
  const auto whole = std::chrono::duration_cast<seconds>(span).count();
  return fmt::format("{:3}:{:02}", whole / 60, whole % 60);
}

std::string about(SteadyTime::duration span) {
  const auto whole = std::max<std::int64_t>(0, std::chrono::duration_cast<seconds>(span).count());
  return whole < 60 ? fmt::format("{}s", whole) : fmt::format("{}m", (whole + 30) / 60);
}

}  // namespace

Progress::Style Progress::detect(std::FILE* out) {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return isatty(fileno(out)) == 1 && !dumb ? Style::live : Style::plain;
}

Progress::Screen Progress::screen(std::FILE* out) {
  const char* no_color = std::getenv("NO_COLOR");
  return {.write =
              [out](std::string_view text) {
                std::fwrite(text.data(), 1, text.size(), out);
                std::fflush(out);
              },
          .columns =
              [out] {
                winsize size{};
                const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
                return known ? static_cast<int>(size.ws_col) : 80;
              },
          .color = no_color == nullptr || *no_color == '\0'};
}

Progress::Progress(Screen screen, Style style) : screen_(std::move(screen)), style_(style) {
  if (style_ != Style::live) {
    return;
  }
  redrawing_ = std::jthread([this](const std::stop_token& stop) {
    while (!paced(screen_.redraw, stop)) {
      const std::lock_guard lock(mutex_);
      redraw();
    }
  });
}

Progress::~Progress() {
  if (redrawing_.joinable()) {
    redrawing_.request_stop();
    redrawing_.join();
  }
  if (status_shown_) {
    screen_.write(kClearLine);
  }
}

void Progress::see(const Json& event) {
  if (style_ == Style::silent) {
    return;
  }
  const std::lock_guard lock(mutex_);
  if (take(event)) {
    redraw();
  }
}

bool Progress::take(const Json& event) {
  const std::string type = json_string(event, "type");
  const std::string node = json_string(event, "node");
  if (type == "probe") {
    return on_probe(event);
  }
  if (type == "run.started") {
    on_run(event);
  } else if (type == "trial.started") {
    windows_.clear();
    probes_.clear();
    if (!first_trial_) {
      first_trial_ = std::chrono::steady_clock::now();
    }
    print(fmt::format("{} trial {}", json_string(event, "case"), json_int(event, "trial")));
  } else if (type == "step.started" || type == "step.finished") {
    on_step(event);
  } else if (type == "fault") {
    on_fault(event);
  } else if (type == "window") {
    const std::string window = json_string(event, "window");
    if (json_string(event, "op") == "opened") {
      windows_[node] = window;
    } else if (const auto open = windows_.find(node);
               open != windows_.end() && open->second == window) {
      windows_.erase(open);
    }
  } else if (type == "trial.finished") {
    ++trials_done_;
    print(fmt::format("  {}", json_string(event, "reason")));
  } else {
    return false;
  }
  return true;
}

void Progress::on_run(const Json& event) {
  trials_planned_ = json_int(event, "trials");
  if (const std::int64_t limit = json_int(event, "time_limit_us"); limit > 0) {
    limit_ = started_ + Microseconds(limit);
  }
}

bool Progress::on_probe(const Json& event) {
  std::string& outcome = probes_[json_string(event, "node") + " " + json_string(event, "probe")];
  const std::string before = std::exchange(outcome, json_string(event, "outcome"));
  return before != outcome;
}

void Progress::on_step(const Json& event) {
  const std::string what =
      fmt::format("{} {}{}",
                  json_string(event, "step"),
                  json_string(event, "node"),
                  event.contains("version") ? " " + json_string(event, "version") : std::string());
  if (json_string(event, "type") == "step.started") {
    step_ = what;
    step_started_ = std::chrono::steady_clock::now();
    return;
  }
  step_.clear();
  const std::string error = json_string(event, "error");
  print(fmt::format(
      "  {:<42} {:>8}  {}",
      what,
      seconds_of(json_int(event, "duration_us")),
      error.empty()
          ? (json_bool(event, "ok", true) ? "" : json_string(event, "job_result", "failed"))
          : error));
}

void Progress::on_fault(const Json& event) {
  const std::string state = json_string(event, "state");
  const std::string outcome = json_string(event, "outcome");
  const bool nothing = outcome == "missed" || outcome == "unsupported" || outcome == "expired";
  if (state == "APPLIED" || nothing) {
    const Json evidence = event.value("evidence", Json::object());
    print(fmt::format("  {} on {}: {} {}",
                      json_string(event, "fault"),
                      json_string(event, "node"),
                      state,
                      nothing ? json_string(event, "reason") : json_string(evidence, "summary")));
  }
}

void Progress::line(const std::string& text) {
  if (style_ == Style::silent) {
    return;
  }
  const std::lock_guard lock(mutex_);
  print(text);
  redraw();
}

void Progress::print(const std::string& text) {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  screen_.write(fmt::format("{}{} {}\n",
                            std::exchange(status_shown_, false) ? kClearLine : "",
                            clock_of(elapsed),
                            printable(redact(text))));
}

// An estimate from the trials so far; a trial that has to be tried again takes longer.
std::string Progress::time_left(SteadyTime now) const {
  std::string out;
  if (trials_done_ > 0 && trials_planned_ > trials_done_) {
    const auto one = (now - *first_trial_) / (trials_done_ + 1);
    out += fmt::format(" | about {} left", about(one * (trials_planned_ - trials_done_)));
  }
  if (limit_) {
    out += fmt::format(" | limit in {}", about(*limit_ - now));
  }
  return out;
}

std::string Progress::status(SteadyTime now) const {
  std::string text = clock_of(now - started_);
  if (!step_.empty()) {
    text += fmt::format(" {} {}", step_, about(now - step_started_));
  }
  text += time_left(now);
  for (const auto& [node, window] : windows_) {
    text += fmt::format(" | {} in {}", node, window);
  }
  std::size_t well = 0;
  std::string bad;
  for (const auto& [probe, outcome] : probes_) {
    well += outcome == "ok" ? 1 : 0;
    bad += outcome == "ok" ? "" : fmt::format(" | {} {}", probe, outcome);
  }
  return probes_.empty() ? text
                         : fmt::format("{} | {}/{} probes ok{}", text, well, probes_.size(), bad);
}

void Progress::redraw() {
  if (style_ != Style::live) {
    return;
  }
  std::string text = printable(redact(status(std::chrono::steady_clock::now())));
  std::ranges::replace(text, '\n', ' ');
  // The last column stays free: a terminal would wrap there.
  text = fit(text, screen_.columns() - 1);
  const bool sick =
      std::ranges::any_of(probes_, [](const auto& one) { return one.second != "ok"; });
  const bool red = screen_.color && sick;
  screen_.write(fmt::format("{}{}{}{}", kClearLine, red ? kRed : "", text, red ? kPlain : ""));
  status_shown_ = true;
}

}  // namespace harness::run
