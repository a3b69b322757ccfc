#include "harness/guard/journal_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::size_t kShort = 256;
constexpr std::size_t kCacheLimit = 20'000;
constexpr std::uint64_t kLookForRotationEvery = 32;
constexpr std::array<std::string_view, 6> kFields = {"_SYSTEMD_UNIT=",
                                                     "UNIT=",
                                                     "_PID=",
                                                     "SYSLOG_IDENTIFIER=",
                                                     "_SYSTEMD_INVOCATION_ID=",
                                                     "INVOCATION_ID="};

std::uint64_t inode_of(const std::string& path) {
  struct stat info {};

  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

}  // namespace

std::vector<std::string> journal_directories() {
  std::string machine = read_whole("/etc/machine-id", 64).value_or("");
  machine = machine.substr(0, 32);
  return {"/var/log/journal/" + machine, "/run/log/journal/" + machine};
}

JournalReader::JournalReader(Options options) : options_(std::move(options)) {
  if (options_.directories.empty()) {
    options_.directories = journal_directories();
  }
}

std::string JournalReader::live_path() const {
  for (const std::string& directory : options_.directories) {
    std::string path = directory + "/system.journal";
    if (inode_of(path) != 0) {
      return path;
    }
  }
  return {};
}

Status JournalReader::start(std::int64_t since_wall_us) {
  const std::string path = live_path();
  if (path.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("this node has no system journal in {}; journald must run with "
                            "Storage=persistent or volatile",
                            fmt::join(options_.directories, " or ")));
  }
  TRY_ASSIGN(JournalFile file, JournalFile::open(path), "journal");
  TRY(file.seek(since_wall_us), "journal");
  live_ = std::move(file);
  if (since_wall_us == INT64_MAX) {
    return {};
  }
  std::error_code ignored;
  for (const auto& item :
       std::filesystem::directory_iterator(std::filesystem::path(path).parent_path(), ignored)) {
    const std::string name = item.path().filename().string();
    if (!name.starts_with("system@") || item.path().string() == path) {
      continue;
    }
    auto archived = JournalFile::open(item.path().string());
    if (archived && (archived->tail_realtime_us() >= since_wall_us || name.ends_with('~')) &&
        archived->seek(since_wall_us)) {
      backlog_.push_back(*std::move(archived));
    }
  }
  std::ranges::sort(backlog_, {}, &JournalFile::head_realtime_us);
  return {};
}

const std::string& JournalReader::field(JournalFile& file, std::uint64_t offset) {
  const auto known = cache_.find(offset);
  if (known != cache_.end()) {
    return known->second;
  }
  if (cache_.size() > kCacheLimit) {
    cache_.clear();
  }
  std::string text = file.payload(offset, kShort).value_or("");
  const bool wanted =
      std::ranges::any_of(kFields, [&](std::string_view name) { return text.starts_with(name); });
  const bool message = text.starts_with("MESSAGE=");
  return cache_.emplace(offset, wanted ? text : message ? "MESSAGE=" : "").first->second;
}

bool JournalReader::interesting(JournalFile& file, const JournalEntry& entry, Json& fact) {
  std::array<std::string, kFields.size()> values;
  std::uint64_t message = 0;
  for (const std::uint64_t offset : entry.items) {
    const std::string& text = field(file, offset);
    if (text == "MESSAGE=") {
      message = offset;
      continue;
    }
    for (std::size_t i = 0; i < kFields.size() && !text.empty(); ++i) {
      if (text.starts_with(kFields[i])) {
        values[i] = text.substr(kFields[i].size());
      }
    }
  }
  const auto& [own_unit, about_unit, pid, ident, own_invocation, about_invocation] = values;
  const bool own = own_unit == options_.unit;
  const bool about = pid == "1" && about_unit == options_.unit;
  if (!own && !about) {
    return false;
  }
  std::string line =
      message == 0
          ? ""
          : file.payload(message, options_.line_limit + 8).value_or("MESSAGE=[unreadable field]");
  fact = {{"type", "journal"},
          {"unit", options_.unit},
          {"invocation", own ? own_invocation : about_invocation},
          {"ident", own ? ident : "systemd"},
          {"pid", std::atoll(pid.c_str())},
          {"line", line.substr(std::min<std::size_t>(line.size(), 8))},
          {"wall_us", entry.realtime_us},
          {"mono_us", entry.monotonic_us},
          {"boot_id", entry.boot_id}};
  return true;
}

void JournalReader::drain(JournalFile& file, const std::function<void(Json)>& take) {
  while (true) {
    auto entry = file.next();
    if (!entry) {
      problem(entry.error().message(), take);
      return;
    }
    if (!entry->has_value()) {
      return;
    }
    Json fact;
    if (interesting(file, **entry, fact)) {
      take(std::move(fact));
    }
  }
}

void JournalReader::problem(const std::string& text, const std::function<void(Json)>& take) {
  if (text == last_problem_) {
    return;
  }
  last_problem_ = text;
  const Now stamp = now();
  take({{"type", "journal-problem"},
        {"line", text},
        {"wall_us", stamp.wall_us},
        {"mono_us", stamp.mono_us},
        {"boot_id", boot_id()}});
}

void JournalReader::follow_rotation(const std::function<void(Json)>& take) {
  const std::string path = live_path();
  if (path.empty() || (live_ && inode_of(path) == live_->inode())) {
    return;
  }
  if (live_) {
    drain(*live_, take);
  }
  cache_.clear();
  auto fresh = JournalFile::open(path);
  if (!fresh) {
    problem(fresh.error().message(), take);
    return;
  }
  live_ = *std::move(fresh);
}

void JournalReader::poll(const std::function<void(Json)>& take) {
  for (JournalFile& file : backlog_) {
    cache_.clear();
    drain(file, take);
    cache_.clear();
  }
  backlog_.clear();
  if (live_) {
    drain(*live_, take);
  }
  if (++polls_ % kLookForRotationEvery == 0) {
    follow_rotation(take);
  }
}

}  // namespace harness::guard
