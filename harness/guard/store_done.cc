// What is over, and the way there.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/store.h"

namespace harness::guard {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kKeepDone = 100;

// What the undo alone had to know it by: a manifest, or a certificate. False: it holds none.
bool forget_content(Json& progress) {
  const auto held = progress.find("held");
  return held != progress.end() && held->is_object() && held->erase("ours") > 0;
}

}  // namespace

bool Store::over(const RecordState& state) const {
  // On the disk it may still wait for its boot.
  const bool may_wake = state.record.trigger.next_boot && !state.progress.contains("woken_in") &&
                        mirrored(state.record.id) && there(armed_dir() + "/" + state.record.id);
  return state.state() == "VERIFIED" && !may_wake;
}

std::vector<RecordState> Store::armed() const {
  auto out = list(armed_dir());
  std::erase_if(out, [this](const RecordState& state) { return over(state); });
  return out;
}

std::vector<RecordState> Store::done() const {
  // In this order: a record moves from the one to the other, and is missed in neither.
  auto out = list(armed_dir());
  std::erase_if(out, [this](const RecordState& state) { return !over(state); });
  for (RecordState& state : list(done_dir())) {
    if (std::ranges::none_of(
            out, [&](const RecordState& one) { return one.record.id == state.record.id; })) {
      out.push_back(std::move(state));
    }
  }
  return out;
}

Status Store::move_to_done(const std::string& id) {
  TRY(make_dir(done_dir()), "finish");
  const std::string from = armed_dir() + "/" + id;
  const std::string to = done_dir() + "/" + id;
  std::error_code problem;
  if (there(from)) {
    fs::remove_all(to, problem);
  }
  unlink(snapshot_file(id).c_str());
  fs::rename(from, to, problem);
  if (problem) {
    return fail(ErrorCode::remote_failed,
                fmt::format("move {} to done: {}", id, problem.message()));
  }
  unlink(mirror_.file(undo_key(id)).c_str());
  sync_directory(done_dir());
  sync_directory(armed_dir());
  forget_oldest();
  return {};
}

void Store::forget_oldest() {
  std::error_code problem;
  std::vector<fs::directory_entry> kept;
  for (const auto& item : fs::directory_iterator(done_dir(), problem)) {
    kept.push_back(item);
  }
  std::ranges::sort(
      kept, [](const auto& a, const auto& b) { return a.last_write_time() > b.last_write_time(); });
  for (std::size_t i = kKeepDone; i < kept.size(); ++i) {
    fs::remove_all(kept[i].path(), problem);
  }
}

Status Store::finish(const RecordState& state) {
  RecordState last = state;
  forget_content(last.progress);
  TRY(save(last), "finish");
  Status moved = move_to_done(state.record.id);
  if (!moved && mirrored(state.record.id) && over(state)) {
    return {};  // fold_all moves it
  }
  return moved;
}

Status Store::set_aside(const std::string& id) {
  static_cast<void>(fold(id));
  TRY(make_dir(dir() + "/broken"), "set aside");
  const std::string state = armed_dir() + "/" + id + "/state.json";
  // Before it is moved: cut off here, it is released once more, and there is nothing left to do.
  if (auto progress = progress_of(id); progress && forget_content(*progress) &&
                                       !places_.write(state, text_of(*progress), Sync::waited)) {
    unlink(state.c_str());
  }
  std::error_code problem;
  fs::remove_all(dir() + "/broken/" + id, problem);
  fs::rename(armed_dir() + "/" + id, dir() + "/broken/" + id, problem);
  sync_directory(dir() + "/broken");
  sync_directory(armed_dir());
  if (!problem) {
    unlink(mirror_.file(key(id)).c_str());
    unlink(mirror_.file(undo_key(id)).c_str());
  }
  return problem ? Status(fail(ErrorCode::remote_failed,
                               fmt::format("set {} aside: {}", id, problem.message())))
                 : Status();
}

void Store::fold_all() {
  static_cast<void>(mirror_.fold("lease", dir() + "/lease.json"));
  if (there(places_.run + "/QUARANTINE")) {
    const std::string why = read_whole(places_.run + "/QUARANTINE", 65536).value_or("");
    if (places_.write(dir() + "/QUARANTINE", why, Sync::waited)) {
      unlink((places_.run + "/QUARANTINE").c_str());
    }
  }
  for (const std::string& name : mirror_.keys()) {
    if (name.starts_with(key(""))) {
      static_cast<void>(fold(name.substr(key("").size())));
    } else if (name.starts_with(undo_key(""))) {
      static_cast<void>(mirror_.fold(name, undo_file(name.substr(undo_key("").size()))));
    }
  }
  for (const RecordState& state : list(armed_dir())) {
    if (state.state() == "VERIFIED" && !mirrored(state.record.id)) {
      static_cast<void>(move_to_done(state.record.id));
    }
  }
}

}  // namespace harness::guard
