#include "harness/guard/journal_directory.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

#include <unistd.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

std::vector<std::string> files_of(const std::vector<std::string>& directories, bool of_the_system) {
  std::vector<std::string> out;
  for (const std::string& directory : directories) {
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(directory, ignored)) {
      const std::string name = item.path().filename().string();
      const bool journal = name.ends_with(".journal") || name.ends_with(".journal~");
      if (journal && (of_the_system ? name.starts_with("system@") : !name.starts_with("system"))) {
        out.push_back(item.path().string());
      }
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> journal_directories() {
  std::string machine = read_whole("/etc/machine-id", 64).value_or("");
  machine = machine.substr(0, 32);
  return {"/var/log/journal/" + machine, "/run/log/journal/" + machine};
}

std::string live_journal(const std::vector<std::string>& directories, const std::string& boot_id) {
  std::vector<std::string> paths;
  for (const std::string& directory : directories) {
    if (std::string path = directory + "/system.journal"; access(path.c_str(), F_OK) == 0) {
      paths.push_back(std::move(path));
    }
  }
  if (paths.size() < 2) {
    return paths.empty() ? "" : paths.front();
  }
  const auto rank = [&](const std::string& path) {
    const auto file = JournalFile::open(path);
    const bool of_this_boot = file && file->tail_boot_id() == boot_id;
    return std::tuple(of_this_boot,
                      of_this_boot ? file->tail_monotonic_us() : 0,
                      file ? file->tail_realtime_us() : 0);
  };
  return *std::ranges::max_element(paths, {}, rank);
}

std::vector<JournalFile> archived_journals(const std::vector<std::string>& directories) {
  std::vector<JournalFile> out;
  std::map<std::string, std::int64_t> began;  // when the first file of each row was begun
  for (const std::string& path : files_of(directories, true)) {
    if (auto file = JournalFile::open(path)) {
      const std::int64_t head = file->head_realtime_us();
      const auto [row, fresh] = began.emplace(file->seqnum_id(), head);
      row->second = std::min(row->second, head);
      out.push_back(*std::move(file));
    }
  }
  std::ranges::sort(out, {}, [&](const JournalFile& file) {
    return std::tuple(began[file.seqnum_id()], file.seqnum_id(), file.head_seqnum());
  });
  return out;
}

std::uint64_t entries_of_users(const std::vector<std::string>& directories,
                               const std::string& seqnum_id,
                               std::uint64_t from,
                               std::uint64_t to) {
  std::uint64_t count = 0;
  for (const std::string& path : files_of(directories, false)) {
    auto file = JournalFile::open(path);
    if (!file || file->seqnum_id() != seqnum_id || file->tail_seqnum() < from ||
        !file->seek_first([&](const JournalEntry& entry) { return entry.seqnum >= from; })) {
      continue;
    }
    for (auto entry = file->next(); entry && entry->has_value(); entry = file->next()) {
      if ((*entry)->seqnum > to) {
        break;
      }
      ++count;
    }
  }
  return count;
}

}  // namespace harness::guard
