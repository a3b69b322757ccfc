#include "harness/run/shots.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::run {

Shots::Shots(const plan::Case& cell, int repeat) : cell_(cell), repeat_(repeat) {}

aim::Next Shots::next_instant() {
  const auto elapsed =
      std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - started_);
  return aim::next_instant(*cell_.sweep, visits_, elapsed);
}

std::optional<plan::Shot> Shots::next_of_sweep() {
  aim::Next next = next_instant();
  if (!next.aim && sweep_ < repeat_) {
    ++sweep_;
    visits_.clear();
    started_ = std::chrono::steady_clock::now();
    next = next_instant();
  }
  if (!next.aim) {
    why_ = "the sweep ends: " + next.why;
    if (!enough_) {
      why_ += fmt::format(
          "; it came to fewer than the {} hit(s) wanted: lower `hits`, or raise the sweep's "
          "`count` or lower its `resolution`",
          cell_.hits * repeat_);
    }
    return std::nullopt;
  }
  auto shot = cell_.shot_at(*next.aim);
  if (!shot) {
    why_ = "the sweep ends: " + shot.error().message();
    return std::nullopt;
  }
  shot->why = std::move(next.why);
  if (sweep_ > 1) {
    shot->why += fmt::format(" (sweep {} of {})", sweep_, repeat_);
  }
  return *std::move(shot);
}

std::optional<plan::Shot> Shots::next() {
  std::optional<plan::Shot> out;
  if (!cell_.again.empty()) {
    const auto tried = static_cast<std::size_t>(tried_);
    if (tried < cell_.again.size() * static_cast<std::size_t>(repeat_)) {
      out = cell_.again[tried % cell_.again.size()];
    }
  } else if (cell_.sweep) {
    out = next_of_sweep();
  } else if (!enough_ && tried_ < std::max(cell_.hits, cell_.attempts) * repeat_) {
    out = cell_.shot;
  }
  if (out) {
    ++tried_;
    last_ = out->aim;
  }
  return out;
}

void Shots::landed(const std::vector<check::TrialVerdict>& trials, const check::Planned& planned) {
  enough_ = check::enough(trials, planned);
  if (trials.empty() || !last_) {
    return;
  }
  const check::TrialVerdict& trial = trials.back();
  aim::Visit visit{.planned = *last_, .landed = {}, .failed = false, .judged = trial.counts};
  if (trial.hit && trial.landed_us) {
    visit.landed = Microseconds(*trial.landed_us);
    visit.failed = trial.verdict == check::Verdict::fail;
  }
  visits_.push_back(visit);
}

}  // namespace harness::run
