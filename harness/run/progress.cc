#include "harness/run/progress.h"

#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/redact.h"

namespace harness::run {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(200);

std::string seconds_of(std::int64_t us) {
  return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
}

}  // namespace

Progress::Style Progress::detect(std::FILE* out) {
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return isatty(fileno(out)) == 1 && !dumb ? Style::live : Style::plain;
}

Progress::Progress(std::FILE* out, Style style) : out_(out), style_(style) {}

Progress::~Progress() {
  if (status_shown_) {
    std::fputs("\r\033[K", out_);
    std::fflush(out_);
  }
}

void Progress::see(const Json& event) {
  if (style_ == Style::silent) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const std::string type = json_string(event, "type");
  const std::string node = json_string(event, "node");
  if (type == "trial.started") {
    trial_ = fmt::format("{} trial {}", json_string(event, "case"), json_int(event, "trial"));
    windows_.clear();
    print(trial_);
  } else if (type == "step.started" || type == "step.finished") {
    on_step(event);
  } else if (type == "fault") {
    on_fault(event);
  } else if (type == "window") {
    const std::string window = json_string(event, "window");
    if (json_string(event, "op") == "opened") {
      windows_[node] = window;
    } else if (windows_[node] == window) {
      windows_.erase(node);
    }
  } else if (type == "probe") {
    probes_[node + " " + json_string(event, "probe")] = json_string(event, "outcome");
  } else if (type == "trial.finished") {
    print(fmt::format("  {}", json_string(event, "reason")));
  }
  redraw();
}

void Progress::on_step(const Json& event) {
  const std::string what =
      fmt::format("{} {}{}",
                  json_string(event, "step"),
                  json_string(event, "node"),
                  event.contains("version") ? " " + json_string(event, "version") : std::string());
  if (json_string(event, "type") == "step.started") {
    step_ = what;
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
  if (state == "APPLIED" || outcome == "missed" || outcome == "expired") {
    const Json evidence = event.value("evidence", Json::object());
    print(fmt::format("  {} on {}: {} {}",
                      json_string(event, "fault"),
                      json_string(event, "node"),
                      state,
                      outcome == "missed" || outcome == "expired"
                          ? json_string(event, "reason")
                          : json_string(evidence, "summary")));
  }
}

void Progress::line(const std::string& text) {
  if (style_ == Style::silent) {
    return;
  }
  const std::lock_guard lock(mutex_);
  print(text);
}

void Progress::print(const std::string& text) {
  if (status_shown_) {
    std::fputs("\r\033[K", out_);
    status_shown_ = false;
  }
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_)
          .count();
  fmt::print(out_, "{:3}:{:02} {}\n", elapsed / 60, elapsed % 60, redact(text));
  std::fflush(out_);
}

void Progress::redraw() {
  const auto now = std::chrono::steady_clock::now();
  if (style_ != Style::live || now - drawn_ < kRedrawEvery) {
    return;
  }
  drawn_ = now;
  std::string text = step_;
  for (const auto& [node, window] : windows_) {
    text += fmt::format(" | {} in {}", node, window);
  }
  for (const auto& [probe, outcome] : probes_) {
    if (outcome != "ok") {
      text += fmt::format(" | {} {}", probe, outcome);
    }
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - started_).count();
  fmt::print(out_, "\r\033[K{:3}:{:02} {}", elapsed / 60, elapsed % 60, text.substr(0, 110));
  std::fflush(out_);
  status_shown_ = true;
}

}  // namespace harness::run
