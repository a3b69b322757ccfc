#include "harness/guard/trigger_sources.h"

#include <algorithm>

#include "harness/guard/pace.h"

namespace harness::guard {
namespace {

// In rounds: for a directory that is not there yet, and a bundle that is not whole yet. All else
// wakes the wait.
constexpr int kLookEvery = 4;

std::vector<event::Marker> markers_of(const Trigger& trigger) {
  std::vector<event::Marker> out = trigger.open;
  out.insert(out.end(), trigger.close.begin(), trigger.close.end());
  return out;
}

bool names(const Trigger& trigger, event::Marker::Kind kind) {
  return std::ranges::any_of(markers_of(trigger),
                             [&](const event::Marker& one) { return one.kind == kind; });
}

}  // namespace

TriggerSources::TriggerSources(const ArmRecord& record)
    : journal_({.unit = record.unit}),
      manifests_(record.data_dir),
      endpoints_({.markers = markers_of(record.trigger)}) {
  const auto ignore = [](const Json&) {};
  containers_.poll(true, ignore);
  manifests_.poll(false, ignore);
  if (names(record.trigger, event::Marker::Kind::unit)) {
    unit_.emplace(record.unit);
  }
  if (names(record.trigger, event::Marker::Kind::process)) {
    processes_.emplace(ProcessWatch::Options{.unit = record.unit, .cgroups = {}});
  }
}

Status TriggerSources::start() {
  return journal_.start(INT64_MAX);
}

void TriggerSources::poll(const Take& take) {
  journal_.poll([&](const Json& fact) {
    if (unit_ && json_string(fact, "ident") == "systemd") {
      unit_->news();
    }
    take(fact);
  });
  if (unit_) {
    unit_->poll(take);
  }
  if (processes_) {
    processes_->poll(take);
  }
  endpoints_.poll(take);
  if (woken_ || round_++ % kLookEvery == 0) {
    manifests_.poll(false, take);
    containers_.poll(false, take);
  }
}

void TriggerSources::wait(std::int64_t until_mono_us) {
  watched_.clear();
  watched_.push_back({manifests_.fd(), POLLIN, 0});
  containers_.wait_on(watched_);
  endpoints_.wait_on(watched_);
  if (unit_) {
    unit_->wait_on(watched_);
  }
  if (processes_) {
    processes_->wait_on(watched_);
  }
  woken_ = ready_before(watched_, until_mono_us);
}

}  // namespace harness::guard
