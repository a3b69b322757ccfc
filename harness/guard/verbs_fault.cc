#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/action.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/action_netem.h"
#include "harness/guard/beside.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/next_boot.h"
#include "harness/guard/nft_table.h"
#include "harness/guard/snapshot.h"
#include "harness/guard/trigger.h"
#include "harness/guard/undo.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/unit_proof.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

Status check_can_arm(const Store& store, const ArmRecord& record) {
  TRY(check_allowed(record.cluster, store.places().allow), "arm");
  if (store.quarantined()) {
    return fail(ErrorCode::refused, std::string("arm: ") + kInQuarantine);
  }
  for (const RecordState& other : store.armed()) {
    if (const std::string why = stands_in_the_way(other.record, record); !why.empty()) {
      return fail(ErrorCode::refused,
                  fmt::format("arm: record {} of run {} is still armed here ({}), and {}; "
                              "`hookshot heal` takes it back",
                              other.record.id,
                              other.record.run,
                              other.state(),
                              why));
    }
  }
  for (const std::string& id : store.unreadable()) {
    return fail(ErrorCode::refused,
                fmt::format("arm: record {} on this node cannot be read; `hookshot heal` takes "
                            "back what it did and sets it aside",
                            id));
  }
  return {};
}

std::vector<std::string> tables_of_ours_left() {
  const auto tables = tables_left(means_of());
  return tables ? *tables : std::vector<std::string>{"list: " + tables.error().message()};
}

std::vector<std::string> qdiscs_of_ours_left() {
  const auto qdiscs = qdiscs_left(means_of());
  return qdiscs ? *qdiscs : std::vector<std::string>{"list: " + qdiscs.error().message()};
}

}  // namespace

Status verb_arm(Store& store, const Json& json) {
  TRY_ASSIGN(ArmRecord record, arm_record_from_json(json), "record");
  TRY(make_dir(store.armed_dir()), "arm");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "arm");
  store.fold_all();
  TRY(check_can_arm(store, record), "record");
  TRY(check_means(record, means_of()), "arm");
  TRY(beat(store.places().run), "arm");
  TRY(check_units_run(store.places().run), "arm");
  RecordState state{.record = std::move(record)};
  const Now stamp = now();
  state.progress = {
      {"state", "ARMED"}, {"outcome", ""}, {"boot_id", boot_id()}, {"armed", to_json(stamp)}};
  state.progress["baseline_invocation"] = current_invocation(state.record.unit);
  const Json snapshot = take_snapshot(state.record, means_of());
  TRY(store.create(state, snapshot), "arm");
  Status ready = install_timer(state.record);
  ready = ready ? install_boot_unit(store.places().units, mount_units_of(state.record.data_dir))
                : ready;
  if (ready) {
    audit(fmt::format("armed {}: {} {} in window {} for run {}",
                      state.record.id,
                      state.record.fault,
                      text_of(state.record.params),
                      state.record.trigger.window,
                      state.record.run));
    ready = state.record.trigger.next_boot ? Status() : start_trigger(state.record);
  }
  if (!ready) {
    const Healed healed =
        revert(store, store.load(state.record.id).value_or(state), "arming failed");
    if (healed.state == "DIRTY") {
      keep_trying(healed.id);
    }
    return ready;
  }
  emit({{"type", "armed"},
        {"id", state.record.id},
        {"state", "ARMED"},
        {"mono_us", stamp.mono_us},
        {"wall_us", stamp.wall_us},
        {"boot_id", boot_id()}});
  return {};
}

Status verb_heartbeat(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "heartbeat");
  return beat(store.places().run);
}

Status verb_status(Store& store, const Json& record) {
  TRY(check_cluster(json_string(record, "cluster")), "status");
  if (store.mirrored()) {
    TRY_ASSIGN(const DirectoryLock lock, store.lock(), "status");
    store.fold_all();
  }
  for (RecordState& state : store.armed()) {
    if (state.state() == "APPLYING" && state.record.action.kind == Action::Kind::reboot) {
      TRY_ASSIGN(const DirectoryLock lock, store.lock(), "status");
      // The boot unit may have taken it back while the lock was waited for.
      state = store.load(state.record.id).value_or(state);
      if (complete_reboot(state)) {
        TRY(store.save(state), "status");
      }
    }
    emit(state.to_json("record"));
  }
  for (const RecordState& state : store.done()) {
    emit(state.to_json("record"));
  }
  return {};
}

Status verb_clean(const Store& store, const Json& record) {
  TRY(check_cluster(json_string(record, "cluster")), "clean");
  Json left = Json::array();
  for (const RecordState& state : store.armed()) {
    left.push_back(fmt::format("record {} ({})", state.record.id, state.state()));
  }
  for (const std::string& id : store.unreadable()) {
    left.push_back(fmt::format("record {} (cannot be read)", id));
  }
  for (const std::string& unit : units_left()) {
    left.push_back("unit " + unit);
  }
  for (const std::string& table : tables_of_ours_left()) {
    left.push_back(fmt::format("nft table {}", table));
  }
  for (const std::string& qdisc : qdiscs_of_ours_left()) {
    left.push_back(
        fmt::format("qdisc {}; `tc qdisc del dev DEV root handle {}` ends it", qdisc, kRootHandle));
  }
  if (store.quarantined()) {
    left.push_back("quarantine");
  }
  emit({{"type", "clean"}, {"left", left}});
  return {};
}

Status verb_release(Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "release");
  TRY(make_dir(store.dir()), "release");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "release");
  if (!store.armed().empty() || !store.unreadable().empty() || store.quarantined()) {
    return fail(ErrorCode::refused,
                "release: something is armed or dirty on this node; `hookshot heal` first");
  }
  const Places& places = store.places();
  remove_boot_unit(places.units);
  // The mark goes with the rest, and before the guard that would have to ask for it.
  unlink(places.allow.c_str());
  std::error_code problem;
  std::filesystem::remove_all(places.run, problem);
  std::filesystem::remove_all(places.state, problem);
  Json left = Json::array();
  for (const std::string& path : {places.units + "/" + kBootLink,
                                  places.units + "/" + kBootUnit,
                                  places.allow,
                                  places.run,
                                  places.state}) {
    // A link to nothing is there, too.
    if (std::filesystem::exists(std::filesystem::symlink_status(path, problem))) {
      left.push_back(path);
    }
  }
  if (!left.empty()) {
    return fail(ErrorCode::remote_failed,
                "release: these could not be removed: " + left.dump() + "; remove them by hand");
  }
  emit({{"type", "released"}});
  return {};
}

}  // namespace harness::guard
