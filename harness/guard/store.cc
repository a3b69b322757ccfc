#include "harness/guard/store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace harness::guard {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kKeepDone = 100;

}  // namespace

Json RecordState::to_json(const char* type) const {
  Json out = progress;
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

Store::Store(std::string state_dir) : dir_(std::move(state_dir)) {}

Status Store::create(const RecordState& state) {
  const std::string directory = armed_dir() + "/" + state.record.id;
  std::error_code problem;
  if (fs::exists(directory, problem) || fs::exists(dir_ + "/done/" + state.record.id, problem)) {
    return fail(ErrorCode::refused,
                fmt::format("a record with id {} is on this node already", state.record.id));
  }
  TRY(make_dir(directory), "record");
  Status written = write_durable(directory + "/record.json", text_of(guard::to_json(state.record)));
  if (written) {
    written = save(state);
  }
  if (!written) {
    fs::remove_all(directory, problem);
  }
  return written;
}

Status Store::save(const RecordState& state) {
  return write_durable(fmt::format("{}/{}/state.json", armed_dir(), state.record.id),
                       text_of(state.progress));
}

Status Store::note(const RecordState& state) {
  const std::string path = fmt::format("{}/{}/state.json", armed_dir(), state.record.id);
  const std::string text = text_of(state.progress);
  const int fd = open((path + ".note").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int problem = errno;
  close(fd);
  if (written && rename((path + ".note").c_str(), path.c_str()) == 0) {
    return {};
  }
  unlink((path + ".note").c_str());
  return fail(ErrorCode::remote_failed, fmt::format("note {}: {}", path, std::strerror(problem)));
}

Result<RecordState> Store::load_from(const std::string& directory) const {
  TRY_ASSIGN(
      const std::string record_text, read_whole(directory + "/record.json", 1U << 20U), "record");
  TRY_ASSIGN(
      const std::string state_text, read_whole(directory + "/state.json", 1U << 20U), "record");
  TRY_ASSIGN(const Json record_json, parse_json(record_text), "record");
  RecordState state;
  TRY_ASSIGN(state.record, arm_record_from_json(record_json), "record");
  TRY_ASSIGN(state.progress, parse_json(state_text), "record");
  return state;
}

Result<RecordState> Store::load(const std::string& id) const {
  TRY(check_id("id", id), "record");
  std::error_code problem;
  const std::string armed = armed_dir() + "/" + id;
  return load_from(fs::exists(armed, problem) ? armed : dir_ + "/done/" + id);
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
  std::vector<std::string> out;
  std::error_code problem;
  for (const auto& item : fs::directory_iterator(armed_dir(), problem)) {
    if (!load_from(item.path().string())) {
      out.push_back(item.path().filename().string());
    }
  }
  return out;
}

Status Store::set_aside(const std::string& id) {
  TRY(make_dir(dir_ + "/broken"), "set aside");
  std::error_code problem;
  fs::remove_all(dir_ + "/broken/" + id, problem);
  fs::rename(armed_dir() + "/" + id, dir_ + "/broken/" + id, problem);
  return problem ? Status(fail(ErrorCode::remote_failed,
                               fmt::format("set {} aside: {}", id, problem.message())))
                 : Status();
}

std::vector<RecordState> Store::armed() const {
  return list(armed_dir());
}

std::vector<RecordState> Store::done() const {
  return list(dir_ + "/done");
}

Status Store::finish(const RecordState& state) {
  TRY(save(state), "finish");
  TRY(make_dir(dir_ + "/done"), "finish");
  std::error_code problem;
  const std::string from = armed_dir() + "/" + state.record.id;
  const std::string to = dir_ + "/done/" + state.record.id;
  fs::remove_all(to, problem);
  fs::rename(from, to, problem);
  if (problem) {
    return fail(ErrorCode::remote_failed,
                fmt::format("move {} to done: {}", state.record.id, problem.message()));
  }
  std::vector<fs::directory_entry> kept;
  for (const auto& item : fs::directory_iterator(dir_ + "/done", problem)) {
    kept.push_back(item);
  }
  std::ranges::sort(
      kept, [](const auto& a, const auto& b) { return a.last_write_time() > b.last_write_time(); });
  for (std::size_t i = kKeepDone; i < kept.size(); ++i) {
    fs::remove_all(kept[i].path(), problem);
  }
  return {};
}

bool Store::quarantined() const {
  std::error_code problem;
  return fs::exists(dir_ + "/QUARANTINE", problem);
}

Status Store::quarantine(const std::string& why) {
  return write_durable(dir_ + "/QUARANTINE", why + "\n");
}

Status Store::lift_quarantine() {
  std::error_code problem;
  fs::remove(dir_ + "/QUARANTINE", problem);
  return problem
             ? Status(fail(ErrorCode::remote_failed, "lift the quarantine: " + problem.message()))
             : Status();
}

StoreLock::StoreLock(const Store& store)
    : fd_(open((store.dir() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ >= 0) {
    flock(fd_, LOCK_EX);
  }
}

StoreLock::~StoreLock() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

std::string allowed_cluster(const std::string& file) {
  std::string text = read_whole(file, 4096).value_or("");
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

Status check_allowed(const std::string& cluster, const std::string& file) {
  TRY(check_cluster(cluster), "record");
  const std::string marker = allowed_cluster(file);
  if (marker == cluster) {
    return {};
  }
  return fail(
      ErrorCode::refused,
      marker.empty()
          ? fmt::format(
                "this node carries no {}; `hookshot allow` marks it as expendable for cluster '{}'",
                file,
                cluster)
          : fmt::format("this node is marked for cluster '{}', not for '{}'", marker, cluster));
}

}  // namespace harness::guard
