#include "harness/run/shots.h"

#include <algorithm>

namespace harness::run {

Shots::Shots(const plan::Case& cell, int hits, int attempts)
    : cell_(cell), attempts_(std::max(hits, attempts)) {}

std::optional<plan::Shot> Shots::next_of_sweep() {
  const auto elapsed =
      std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - started_);
  aim::Next next = aim::next_instant(*cell_.sweep, visits_, elapsed);
  if (!next.aim) {
    why_ = "the sweep ends: " + next.why;
    return std::nullopt;
  }
  auto shot = cell_.shot_at(*next.aim);
  if (!shot) {
    why_ = "the sweep ends: " + shot.error().message();
    return std::nullopt;
  }
  shot->why = std::move(next.why);
  return *std::move(shot);
}

std::optional<plan::Shot> Shots::next() {
  std::optional<plan::Shot> out;
  if (!cell_.again.empty()) {
    if (static_cast<std::size_t>(tried_) < cell_.again.size()) {
      out = cell_.again[static_cast<std::size_t>(tried_)];
    }
  } else if (cell_.sweep) {
    out = next_of_sweep();
  } else if (!enough_ && tried_ < attempts_) {
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
  aim::Visit visit{.planned = *last_, .landed = {}, .failed = false};
  if (trial.hit && trial.landed_us) {
    visit.landed = Microseconds(*trial.landed_us);
    visit.failed = trial.verdict == check::Verdict::fail;
  }
  visits_.push_back(visit);
}

}  // namespace harness::run
