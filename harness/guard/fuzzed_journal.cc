#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "harness/guard/fuzzed.h"
#include "harness/guard/journal_reader.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostEntries = 100'000;
constexpr std::size_t kMostItems = 64;
constexpr std::size_t kMostBytes = 4000;
constexpr int kPolls = 40;
constexpr const char* kBoot = "01020304-0506-0708-090a-0b0c0d0e0f10";

struct Folder {
  Folder() {
    if (mkdtemp(path.data()) == nullptr) {
      std::abort();
    }
  }

  ~Folder() { fs::remove_all(path); }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path = (fs::temp_directory_path() / "hookshot-fuzz-XXXXXX").string();
};

const std::string& directory() {
  static const Folder made;
  return made.path;
}

void write(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string read_file(const std::string& path) {
  auto file = JournalFile::open(path);
  if (!file) {
    return {};
  }
  static_cast<void>(file->seek(1'000));
  static_cast<void>(file->seek_first([](const JournalEntry& entry) { return entry.seqnum > 2; }));
  static_cast<void>(file->seek(0));
  std::size_t entries = 0;
  for (bool goes_on = true; goes_on;) {
    const auto entry = file->next();
    goes_on = entry ? entry->has_value() : file->skip();
    if (++entries > kMostEntries) {
      return "a file has no end of entries";
    }
    for (std::size_t i = 0; entry && *entry && i < std::min((*entry)->items.size(), kMostItems);
         ++i) {
      const auto text = file->payload((*entry)->items[i], kMostBytes);
      if (text && text->size() > kMostBytes) {
        return "a payload is longer than was asked for";
      }
    }
  }
  return {};
}

void follow(const std::string& live, std::string_view bytes) {
  JournalReader reader(
      {.unit = "rke2-server.service", .directories = {directory()}, .boot_id = kBoot});
  const auto take = [](const Json& fact) {
    static_cast<void>(fact.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  if (!reader.start(0)) {
    return;
  }
  reader.poll(take);
  write(live, bytes);
  for (int i = 0; i < kPolls; ++i) {
    reader.poll(take);
  }
}

}  // namespace

std::string fuzzed_journal(std::string_view input) {
  if (input.size() < 2) {
    return {};
  }
  const std::size_t part = static_cast<unsigned char>(input.front());
  const std::string_view bytes = input.substr(1);
  const std::string live = directory() + "/system.journal";
  const std::string archived = directory() + "/system@1-2-3.journal";
  write(live, bytes);
  std::string wrong = read_file(live);
  if (part % 2 == 1) {
    write(archived, bytes);
  }
  write(live, bytes.substr(0, bytes.size() - bytes.size() * part / 512));
  follow(live, bytes);
  if (part % 2 == 1) {
    fs::remove(archived);
  }
  return wrong;
}

}  // namespace harness::guard
