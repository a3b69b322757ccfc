#include "harness/guard/record_watch.h"

#include <filesystem>
#include <set>
#include <utility>

namespace harness::guard {

void RecordWatch::look(const std::string& id, const Take& take) {
  const std::string version = store_.version(id);
  Seen& seen = seen_[id];
  if (version.empty() || seen.version == version) {
    return;
  }
  const Now stamp = now();
  const auto state = store_.load(id);
  ++parsed_;
  if (!state) {
    return;  // between two of its files; the next look finds it whole
  }
  seen.version = version;
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
