// The ways in which a record is taken back: its controller's, its timer's, a boot's.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/orphans.h"
#include "harness/guard/undo.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

constexpr const char* kAsked = "asked by the controller";

void tell(const Healed& healed) {
  emit({{"type", "healed"},
        {"id", healed.id},
        {"state", healed.state},
        {"summary", healed.summary}});
}

Healed undo_for_controller(Store& store, const std::string& id) {
  Healed healed = undo(store, id, kAsked);
  if (healed.state == "DIRTY") {
    keep_trying(id);
  }
  return healed;
}

std::vector<std::string> still_armed(const Store& store) {
  std::vector<std::string> out;
  for (const RecordState& state : store.armed()) {
    out.push_back(
        fmt::format("record {} of run {} is {}", state.record.id, state.record.run, state.state()));
  }
  for (const std::string& id : store.unreadable()) {
    out.push_back(fmt::format("record {} cannot be read", id));
  }
  return out;
}

}  // namespace

Status verb_revert(Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "revert");
  TRY(make_dir(store.dir()), "revert");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "revert");
  store.fold_all();
  const std::string id = json_string(record, "id");
  TRY(check_id("id", id), "revert");
  if (!there(store.armed_dir() + "/" + id)) {
    TRY(store.load(id), "revert");
  }
  tell(undo_for_controller(store, id));
  return {};
}

Status verb_heal(Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "heal");
  TRY(make_dir(store.dir()), "heal");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "heal");
  store.fold_all();
  const std::string run = json_string(record, "run", "*");
  std::vector<std::string> ids = store.unreadable();
  for (const RecordState& state : store.armed()) {
    if (run == "*" || run.empty() || state.record.run == run) {
      ids.push_back(state.record.id);
    }
  }
  std::vector<std::string> left;
  const auto told = [&](const Healed& healed) {
    tell(healed);
    if (healed.state == "DIRTY") {
      left.push_back(fmt::format("{}: {}", healed.id, healed.summary));
    }
  };
  for (const std::string& id : ids) {
    told(undo_for_controller(store, id));
  }
  for (const Healed& orphan : sweep(store, means_of())) {
    told(orphan);
    if (orphan.state == "DIRTY") {
      TRY(store.quarantine(fmt::format("{}: {}", orphan.id, orphan.summary)), "heal");
    }
  }
  if (!store.quarantined()) {
    return {};
  }
  if (left.empty()) {
    left = still_armed(store);
  }
  if (!left.empty()) {
    tell({.id = "quarantine",
          .state = "DIRTY",
          .summary = fmt::format("it stays, and nothing is armed on this node, until this is gone: "
                                 "{}",
                                 fmt::join(left, "; "))});
    return {};
  }
  TRY(store.lift_quarantine(), "heal");
  tell({.id = "quarantine",
        .state = "VERIFIED",
        .summary = "nothing is armed any more: the quarantine is lifted"});
  return {};
}

int run_boot(Store& store) {
  const auto lock = store.lock();
  if (!lock) {
    audit("boot: " + lock.error().message());
    return 1;
  }
  store.fold_all();
  std::vector<RecordState> sleeping;
  std::vector<std::string> ids = store.unreadable();
  for (RecordState& state : store.armed()) {
    const AtBoot what = at_boot(state, boot_id());
    if (what == AtBoot::revert) {
      ids.push_back(state.record.id);
    } else if (what == AtBoot::wake) {
      sleeping.push_back(std::move(state));
    }
  }
  bool dirty = false;
  // Of all of them first: the boot unit may be ended in the undo of any, and is not started again.
  for (const std::string& id : ids) {
    take_up_later(id);
  }
  for (const std::string& id : ids) {
    if (undo(store, id, "the node booted").state == "DIRTY") {
      dirty = true;
      take_up_later(id);
    }
  }
  // After the others: what is found now may put the node in quarantine.
  for (RecordState& state : sleeping) {
    if (const Status woken = wake(store, state); !woken) {
      if (woken.error().code() == ErrorCode::refused) {
        state.progress["outcome"] = "missed";
        state.progress["reason"] = woken.error().message();
      }
      if (const Healed healed = revert(store, std::move(state), woken.error().message());
          healed.state == "DIRTY") {
        dirty = true;
        keep_trying(healed.id);
      }
    }
  }
  return dirty ? 1 : 0;
}

int run_expire(Store& store, const std::string& id) {
  const auto lock = store.lock();
  if (!lock) {
    audit("expire " + id + ": " + lock.error().message());
    return 1;
  }
  store.fold_all();
  if (!check_id("id", id) || !there(store.armed_dir() + "/" + id)) {
    return 0;
  }
  const auto state = store.load(id);
  const std::string why =
      state ? why_expired(*state, now(), heartbeat_age_ms(store.places().run)) : "its timer came";
  if (undo(store, id, why).state != "DIRTY") {
    return 0;
  }
  if (!may_try_again(store, id)) {
    audit(fmt::format("{} could not be undone and is not tried again; `hookshot heal`", id));
    stop_timer(id);
  }
  return 1;
}

}  // namespace harness::guard
