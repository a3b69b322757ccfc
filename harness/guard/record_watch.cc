#include "harness/guard/record_watch.h"

#include <filesystem>
#include <set>
#include <utility>

#include <sys/stat.h>

namespace harness::guard {

void RecordWatch::look(const std::string& id, const Take& take) {
  struct stat info {};

  const std::string file = "/" + id + "/state.json";
  if (stat((store_.armed_dir() + file).c_str(), &info) != 0 &&
      stat((store_.dir() + "/done" + file).c_str(), &info) != 0) {
    return;
  }
  const std::int64_t written = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  Seen& seen = seen_[id];
  if (seen.inode == info.st_ino && seen.written_ns == written) {
    return;
  }
  const Now stamp = now();
  const auto state = store_.load(id);
  ++parsed_;
  if (!state) {
    return;  // between two of its files; the next look finds it whole
  }
  seen.inode = info.st_ino;
  seen.written_ns = written;
  std::string progress = state->progress.dump();
  if (progress != seen.progress) {
    seen.progress = std::move(progress);
    take(stamped(state->to_json("fault"), stamp));
  }
}

void RecordWatch::poll(const Take& take) {
  std::set<std::string> ids;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(store_.armed_dir(), ignored)) {
    ids.insert(item.path().filename().string());
  }
  for (const auto& [id, seen] : seen_) {
    ids.insert(id);
  }
  for (const std::string& id : ids) {
    look(id, take);
  }
}

}  // namespace harness::guard
