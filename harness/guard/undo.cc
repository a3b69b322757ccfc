#include "harness/guard/undo.h"

#include <fmt/format.h>

#include "harness/guard/action.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/signals.h"
#include "harness/guard/snapshot.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

// In the same boot a reboot that was asked for still comes; after this long it does not any more.
constexpr std::int64_t kRebootComesUs = 300LL * 1000 * 1000;

// The trigger may have fired and written while it was being stopped: its word is newer than ours.
void take_its_word(const Store& store, const std::string& found, RecordState& state) {
  auto fresh = store.load(state.record.id);
  if (!fresh) {
    return;
  }
  if (fresh->progress.contains("held")) {
    state.progress["held"] = fresh->progress["held"];
  }
  if (fresh->state() != found && found != "APPLIED") {
    state = *std::move(fresh);
  }
}

}  // namespace

bool reboot_is_under_way(const RecordState& state) {
  // Whether the power goes, its controller knows, and it heals only when that is decided.
  return state.record.action.kind == Action::Kind::reboot && state.record.action.how != "power" &&
         state.state() == "APPLYING" &&
         json_string(state.progress.value("evidence", Json::object()), "boot_id_before") ==
             boot_id() &&
         now().mono_us - json_int(state.progress.value("begun", Json::object()), "mono_us") <
             kRebootComesUs;
}

void settle_outcome(RecordState& state, const std::string& why) {
  if (!state.outcome().empty()) {
    return;
  }
  const bool perhaps = state.state() == "APPLYING";
  state.progress["outcome"] = "expired";
  state.progress["reason"] =
      perhaps ? "may have been applied: it was taken back while it was being applied (" + why + ")"
              : why;
}

Healed revert(Store& store, RecordState state, const std::string& why) {
  const std::string id = state.record.id;
  complete_reboot(state);
  if (reboot_is_under_way(state)) {
    return {.id = id,
            .state = "DIRTY",
            .summary = state.record.fault +
                       ": the reboot is under way and cannot be taken back; "
                       "heal again when the node is back"};
  }
  const std::string found = state.state();
  stop_trigger(id);
  take_its_word(store, found, state);
  forget_signals(store.places().run, id);
  const std::string before = state.state();
  settle_outcome(state, why);
  const auto released =
      release(state.progress.value("held", Json()), means_of({}, store.before_of(id)));
  state.progress["released"] = released ? *released : released.error().message();
  const Activity trigger = trigger_activity(id);
  const Compared compared =
      compare(state, store.snapshot_of(id), means_of(), store.places().settles);
  state.progress["left"] = compared.left;
  state.progress["changed"] = compared.changed;
  const bool nothing_left = released && compared.left.empty() && trigger == Activity::inactive;
  if (nothing_left) {
    stop_timer(id);  // else it tries again
  }
  const Activity timer = timer_activity(id);
  const bool clean = nothing_left && timer == Activity::inactive;
  const bool unknown = trigger == Activity::unknown || timer == Activity::unknown;
  state.progress["state"] = clean ? "VERIFIED" : "DIRTY";
  state.progress["reverted"] = to_json(now());
  if (before != "DIRTY") {
    state.progress["reverted_from"] = before;
  }
  state.progress["reverted_because"] = why;
  Healed healed{
      .id = id,
      .state = state.state(),
      .summary = fmt::format(
          "{} {}: was {}, {}", state.record.fault, state.record.trigger.window, before, why)};
  if (const std::string said = json_string(state.progress, "released"); !said.empty()) {
    healed.summary += "; " + said;
  }
  healed.summary += "; " + compared.summary;
  const Status finished = clean ? store.finish(state) : store.save(state);
  if (!clean || !finished) {
    healed.state = "DIRTY";
    healed.summary += !finished                ? "; " + finished.error().message()
                      : !released              ? "; what it did is not taken back"
                      : !compared.left.empty() ? "; something of it is still there"
                      : unknown ? "; systemctl does not say whether its trigger and timer are gone"
                                : "; its trigger or timer is still active";
    if (const Status kept = store.quarantine(healed.summary); !kept) {
      healed.summary += "; the quarantine could not be written: " + kept.error().message();
    }
  }
  audit(fmt::format("reverted {} ({}): {}", id, healed.summary, healed.state));
  return healed;
}

Healed undo(Store& store, const std::string& id, const std::string& why) {
  auto state = store.load(id);
  if (!state) {
    return revert_unread(store, id, state.error().message(), why);
  }
  if (store.over(*state)) {
    return {.id = id, .state = "VERIFIED", .summary = "was healed before"};
  }
  return revert(store, *std::move(state), why);
}

bool may_try_again(Store& store, const std::string& id) {
  Json note = store.undo_note(id);
  const bool this_boot = json_string(note, "tries_in") == boot_id();
  const std::int64_t tries = 1 + (this_boot ? json_int(note, "tries") : 0);
  note["tries"] = tries;
  note["tries_in"] = boot_id();
  const Status noted = store.note_undo(id, note);
  return !noted || tries < kMostTries;
}

std::string why_expired(const RecordState& state, const Now& at, std::int64_t heartbeat_age_ms) {
  const auto passed = [&](const Json& since, std::chrono::milliseconds length) {
    return json_int(since, "mono_us") + length.count() * 1000 <= at.mono_us;
  };
  const Json& progress = state.progress;
  const char* begun = progress.contains("woken") ? "woken" : "armed";
  const bool held_long_enough = state.state() == "APPLIED" &&
                                state.record.action.hold.count() > 0 &&
                                passed(json_object(progress, "effect"), state.record.action.hold);
  if (state.state() == "DIRTY") {
    return "its undo had failed and is tried again";
  }
  if (held_long_enough || passed(json_object(progress, begun), state.record.ttl)) {
    return "its time was over";
  }
  if (heartbeat_age_ms > state.record.lease.count()) {
    return fmt::format("the controller's lease of {} ms ran out", state.record.lease.count());
  }
  return "its trigger ended before its time";
}

}  // namespace harness::guard
