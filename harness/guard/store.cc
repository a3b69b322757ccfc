#include "harness/guard/store.h"

#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace harness::guard {
namespace fs = std::filesystem;

Json RecordState::to_json(const char* type) const {
  Json out = progress;
  out.erase("held");
  out["type"] = type;
  out["id"] = record.id;
  out["run"] = record.run;
  out["case"] = record.case_name;
  out["fault"] = record.fault;
  out["params"] = record.params;
  out["window"] = record.trigger.window;
  out["unit"] = record.unit;
  return out;
}

Store::Store(Places places) : places_(std::move(places)), mirror_(places_) {}

std::string Store::directory_of(const std::string& id) const {
  const std::string armed = armed_dir() + "/" + id;
  return there(armed) ? armed : done_dir() + "/" + id;
}

Status Store::create(const RecordState& state, const Json& snapshot) {
  const std::string directory = armed_dir() + "/" + state.record.id;
  if (there(directory) || there(done_dir() + "/" + state.record.id)) {
    return fail(ErrorCode::refused,
                fmt::format("a record with id {} is on this node already", state.record.id));
  }
  TRY(make_dir(directory), "record");
  Status written = places_.write(
      directory + "/record.json", text_of(guard::to_json(state.record)), Sync::waited);
  if (written && !snapshot.is_null()) {
    written = places_.write(snapshot_file(state.record.id), text_of(snapshot), Sync::waited);
  }
  if (written) {
    written = commit(state);
  }
  if (!written) {
    std::error_code problem;
    fs::remove_all(directory, problem);
  }
  return written;
}

Json Store::snapshot_of(const std::string& id) const {
  const auto text = read_whole(snapshot_file(id), 1U << 20U);
  return text ? parse_json(*text).value_or(Json()) : Json();
}

Status Store::put(const RecordState& state, Sync sync) {
  const std::string directory = armed_dir() + "/" + state.record.id;
  // Against fold(), which must not put back what this replaces.
  const auto lock = DirectoryLock::take(directory);
  return mirror_.put(key(state.record.id), directory + "/state.json", state.progress, sync);
}

Status Store::save(const RecordState& state) {
  return put(state, Sync::waited);
}

Status Store::note(const RecordState& state) {
  return put(state, Sync::later);
}

Status Store::commit(const RecordState& state) {
  const std::string directory = armed_dir() + "/" + state.record.id;
  const auto lock = DirectoryLock::take(directory);
  return mirror_.commit(key(state.record.id), directory + "/state.json", state.progress);
}

Status Store::fold(const std::string& id) const {
  const std::string directory = directory_of(id);
  TRY_ASSIGN(const DirectoryLock lock, DirectoryLock::take(directory), "fold");
  return mirror_.fold(key(id), directory + "/state.json");
}

Result<RecordState> Store::load_from(const std::string& directory) const {
  TRY_ASSIGN(
      const std::string record_text, read_whole(directory + "/record.json", 1U << 20U), "record");
  TRY_ASSIGN(const Json record_json, parse_json(record_text), "record");
  RecordState state;
  TRY_ASSIGN(state.record, arm_record_from_json(record_json), "record");
  const std::string id = fs::path(directory).filename().string();
  TRY_ASSIGN(state.progress, mirror_.get(key(id), directory + "/state.json"), "record");
  if (directory.starts_with(done_dir()) && state.state() != "VERIFIED") {
    // Only what is verified is moved there: the word of it was in memory when the node went down.
    const bool perhaps = state.outcome().empty() && state.state() != "ARMED";
    state.progress["state"] = "VERIFIED";
    state.progress["outcome"] = state.outcome().empty() ? "expired" : state.outcome();
    state.progress["reason"] =
        std::string(perhaps ? "may have been applied: " : "") +
        "the node went down before the full disk took what became of it; it is taken back";
  }
  return state;
}

Result<RecordState> Store::load(const std::string& id) const {
  TRY(check_id("id", id), "record");
  return load_from(directory_of(id));
}

std::vector<RecordState> Store::list(const std::string& directory) const {
  std::vector<RecordState> out;
  std::error_code problem;
  for (const auto& item : fs::directory_iterator(directory, problem)) {
    if (auto state = load_from(item.path().string())) {
      out.push_back(*std::move(state));
    }
  }
  return out;
}

std::vector<std::string> Store::unreadable() const {
  std::vector<std::string> out = armed_ids();
  std::erase_if(
      out, [this](const std::string& id) { return load_from(armed_dir() + "/" + id).has_value(); });
  return out;
}

std::vector<std::string> Store::armed_ids() const {
  std::vector<std::string> out;
  std::error_code problem;
  for (const auto& item : fs::directory_iterator(armed_dir(), problem)) {
    out.push_back(item.path().filename().string());
  }
  return out;
}

Result<Json> Store::progress_of(const std::string& id) const {
  return mirror_.get(key(id), armed_dir() + "/" + id + "/state.json");
}

bool Store::has_no_progress(const std::string& id) const {
  return !there(armed_dir() + "/" + id + "/state.json") && !mirrored(id);
}

Json Store::undo_note(const std::string& id) const {
  return mirror_.get(undo_key(id), undo_file(id)).value_or(Json::object());
}

Status Store::note_undo(const std::string& id, const Json& note) {
  return mirror_.put(undo_key(id), undo_file(id), note, Sync::waited);
}

bool Store::quarantined() const {
  return there(dir() + "/QUARANTINE") || there(places_.run + "/QUARANTINE");
}

Status Store::quarantine(const std::string& why) {
  const Status written = places_.write(dir() + "/QUARANTINE", why + "\n", Sync::waited);
  std::error_code problem;
  if (written || !fs::is_directory(dir(), problem)) {
    return written;
  }
  TRY(make_dir(places_.run), written.error().message());
  return write_whole(places_.run + "/QUARANTINE", why + "\n", Sync::later);
}

Status Store::lift_quarantine() {
  for (const std::string& directory : {dir(), places_.run}) {
    std::error_code problem;
    fs::remove(directory + "/QUARANTINE", problem);
    if (problem) {
      return fail(ErrorCode::remote_failed, "lift the quarantine: " + problem.message());
    }
  }
  return {};
}

std::string Store::version(const std::string& id) const {
  std::string out;
  for (const std::string& file : {armed_dir() + "/" + id + "/state.json",
                                  done_dir() + "/" + id + "/state.json",
                                  mirror_.file(key(id))}) {
    struct stat info {};

    if (stat(file.c_str(), &info) == 0) {
      out += fmt::format("{}:{}.{:09} ", info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    }
  }
  return out;
}

}  // namespace harness::guard
