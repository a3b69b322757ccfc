#include "harness/guard/trigger.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/guard/firing.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/notify.h"
#include "harness/guard/signals.h"
#include "harness/guard/system.h"
#include "harness/guard/trigger_logic.h"
#include "harness/guard/trigger_sources.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kPeriodUs = 1000;
constexpr int kLeaseCheckEvery = 100;

void until(std::int64_t mono_us) {
  const timespec at{mono_us / 1'000'000, (mono_us % 1'000'000) * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

class Watcher {
 public:
  Watcher(Store& store, RecordState state)
      : store_(store),
        state_(std::move(state)),
        logic_(state_.record.trigger, json_string(state_.progress, "baseline_invocation")),
        sources_(state_.record),
        firing_(store_, state_, sources_.containers()) {}

  int run();

 private:
  int watch();
  int stay(int status);
  int give_back(int status);

  Opening opening() const {
    return {logic_.invocation(), logic_.opened_mono_us(), logic_.opened_wall_us(), seen_};
  }

  bool lease_is_over() const {
    return heartbeat_age_ms(store_.places().run) > state_.record.lease.count();
  }

  Store& store_;
  RecordState state_;
  TriggerLogic logic_;
  TriggerSources sources_;
  Firing firing_;
  Now seen_;
};

int Watcher::run() {
  if (state_.record.trigger.now) {
    notify_ready();
    seen_ = now();
    return stay(firing_.fire(opening()));
  }
  if (const Status started = sources_.start(); !started) {
    return firing_.miss(opening(), "expired", started.error().message());
  }
  notify_ready();
  return stay(watch());
}

// Where systemd cannot be asked, a failure makes it come by itself.
int Watcher::give_back(int status) {
  if (firing_.standing() != nullptr) {
    firing_.standing()->over();
  }
  return ask_for_undo(state_.record.id) ? status : 1;
}

// What was done is taken back when the controller is gone, not only when the record's time is over.
int Watcher::stay(int status) {
  if (firing_.unreleased()) {
    return give_back(status);
  }
  while (json_string(state_.progress, "outcome") != "expired") {
    if (lease_is_over()) {
      return give_back(status);
    }
    if (store_.mirrored(state_.record.id)) {
      static_cast<void>(store_.fold(state_.record.id));
    }
    const std::int64_t at = now().mono_us;
    std::int64_t next = at + kLeaseCheckEvery * kPeriodUs;
    if (state_.record.action.hold.count() > 0 && state_.state() == "APPLIED") {
      const std::int64_t over =
          json_int(state_.progress["effect"], "mono_us") + state_.record.action.hold.count() * 1000;
      if (at >= over) {
        return give_back(status);
      }
      next = std::min(next, over);
      Standing* standing = firing_.standing();
      next = standing != nullptr ? std::min(next, standing->step(at)) : next;
    }
    until(next);
  }
  return status;
}

int Watcher::watch() {
  TriggerLogic::Verdict verdict = TriggerLogic::Verdict::wait;
  const auto judge = [&](const Json& fact) {
    if (verdict == TriggerLogic::Verdict::missed) {
      return;
    }
    const bool was_open = logic_.opened();
    verdict = logic_.feed(fact);
    if (logic_.opened() && !was_open) {
      seen_ = now();
    }
  };
  const Trigger& trigger = state_.record.trigger;
  for (int round = 0;; ++round) {
    sources_.poll(judge);
    firing_.look_ahead(logic_.invocation());
    if (verdict == TriggerLogic::Verdict::missed) {
      return firing_.miss(opening(), "missed", logic_.reason());
    }
    if (trigger.go && raised(store_.places().run, Signal::go, state_.record.id)) {
      seen_ = now();
      return firing_.fire(opening());
    }
    const std::int64_t at = now().mono_us;
    if (logic_.opened() && at >= logic_.fire_at_mono_us()) {
      return firing_.fire(opening());
    }
    if (round % kLeaseCheckEvery == 0 && lease_is_over()) {
      return firing_.miss(opening(),
                          "expired",
                          fmt::format("the controller's lease of {} ms ran out before {}",
                                      state_.record.lease.count(),
                                      trigger.go ? "it gave the word" : "the window opened"));
    }
    sources_.wait(logic_.opened() ? std::min(at + kPeriodUs, logic_.fire_at_mono_us())
                                  : at + kPeriodUs);
  }
}

}  // namespace

std::string current_invocation(const std::string& unit) {
  const auto shown = spawn({"systemctl", "show", "--property=InvocationID", "--value", unit},
                           std::chrono::seconds(10));
  return shown && shown->ok() ? shown->out.substr(0, shown->out.find('\n')) : "";
}

int run_trigger(Store& store, const std::string& id) {
  auto state = store.load(id);
  if (!state) {
    std::fprintf(stderr, "guard: %s\n", state.error().message().c_str());
    return 1;
  }
  if (!state->record.trigger.any_invocation && !state->progress.contains("baseline_invocation")) {
    state->progress["baseline_invocation"] = current_invocation(state->record.unit);
  }
  setpriority(PRIO_PROCESS, 0, -20);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  return Watcher(store, *std::move(state)).run();
}

}  // namespace harness::guard
