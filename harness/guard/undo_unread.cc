// Taking back a record that cannot be read.
#include <fmt/format.h>

#include "harness/guard/action_hog.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/nft_table.h"
#include "harness/guard/signals.h"
#include "harness/guard/undo.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

constexpr const char* kUnknownIn = "unknown_in";

Json hog_of(const std::string& id) {
  return {{"kind", "hog"}, {"unit", "hookshot-hog-" + id + ".service"}};
}

bool idle(const std::string& id) {
  return trigger_activity(id) == Activity::inactive && timer_activity(id) == Activity::inactive;
}

// Every arming and every heartbeat of this boot makes that folder.
bool of_an_earlier_boot(const Store& store, const Json& note) {
  const std::string since = json_string(note, kUnknownIn);
  return since.empty() ? !there(store.places().run) : since != boot_id();
}

// Why nothing can be left of a record whose state cannot be read; an error: that is not known.
Result<std::string> nothing_left(Store& store, const std::string& id) {
  if (there(store.before_of(id))) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} is what stood on the node before: put it back by hand, then remove "
                            "{}/{} and heal again",
                            store.before_of(id),
                            store.armed_dir(),
                            id));
  }
  Json note = store.undo_note(id);
  if (of_an_earlier_boot(store, note)) {
    return std::string("the node booted since, which ends what is not on its disk");
  }
  if (store.has_no_progress(id) && !note.contains(kUnknownIn) &&
      (!check_id("id", id) || idle(id))) {
    return std::string("it was cut off before it was armed");
  }
  // Kept before its units are stopped: without it the next one would find nothing and say so.
  if (!note.contains(kUnknownIn)) {
    note[kUnknownIn] = boot_id();
    TRY(store.note_undo(id, note), "keep that it is not known");
  }
  return fail(ErrorCode::remote_failed,
              "its state cannot be read either, so nobody knows what it did; reboot the node and "
              "heal again");
}

bool reboot_comes(const Json& progress) {
  RecordState state;
  state.record.action = {.kind = Action::Kind::reboot,
                         .how = json_string(json_object(progress, "evidence"), "how")};
  state.progress = progress;
  return reboot_is_under_way(state);
}

Result<std::string> take_back(Store& store, const std::string& id, bool named) {
  const Means means = means_of({}, store.before_of(id));
  const auto progress = store.progress_of(id);
  if (progress && reboot_comes(*progress)) {
    return fail(ErrorCode::remote_failed, "the reboot is under way; heal again after it");
  }
  const auto known = progress ? fail(ErrorCode::remote_failed, "its state cannot be read any more")
                              : nothing_left(store, id);
  if (named) {
    stop_trigger(id);
  }
  const auto last = store.progress_of(id);
  Result<std::string> said = last ? release(last->value("held", Json()), means) : known;
  if (!named) {
    return said;
  }
  const auto hog = last ? Result<std::string>(std::string()) : release_hog(hog_of(id), means);
  const bool table = remove_table_of(id, means);
  if (!said) {
    return said;
  }
  TRY(hog, "its hog");
  if (!table || trigger_activity(id) != Activity::inactive) {
    return fail(ErrorCode::remote_failed,
                table ? "its trigger is still active, or systemctl gives no answer"
                      : "its nft table is still there, or nft gives no answer");
  }
  return said;
}

}  // namespace

Healed revert_unread(Store& store,
                     const std::string& id,
                     const std::string& unread,
                     const std::string& why) {
  const bool named = check_id("id", id).has_value();
  Healed healed{
      .id = id,
      .state = "DIRTY",
      .summary = fmt::format("its record cannot be read ({}), {}", one_line(unread), why)};
  const auto released = take_back(store, id, named);
  healed.summary += "; " + (released ? *released : released.error().message());
  bool clean = released.has_value();
  if (clean && named) {
    forget_signals(store.places().run, id);
    stop_timer(id);
    if (timer_activity(id) != Activity::inactive) {
      clean = false;
      healed.summary += "; its timer is still active, or systemctl is silent";
    }
  }
  if (clean) {
    const Status aside = store.set_aside(id);
    clean = aside.has_value();
    healed.summary +=
        "; " + (clean ? "it is kept in " + store.dir() + "/broken" : aside.error().message());
  }
  if (clean) {
    healed.state = "VERIFIED";
  } else if (const Status kept = store.quarantine(fmt::format("{}: {}", id, healed.summary));
             !kept) {
    healed.summary += "; the quarantine could not be written: " + kept.error().message();
  }
  audit(fmt::format("reverted {} ({}): {}", one_line(id), healed.summary, healed.state));
  return healed;
}

}  // namespace harness::guard
