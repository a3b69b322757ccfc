// Journal files of any content, as libFuzzer makes them: no crash, no hang, no growth without end.
// Built with -DHOOKSHOT_FUZZ=ON and clang; fuzz_seeds writes the corpus to begin with.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "harness/guard/journal_reader.h"

namespace {

namespace fs = std::filesystem;
using namespace harness;
using namespace harness::guard;

constexpr std::size_t kMostEntries = 100'000;
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

void write(const std::string& path, const std::uint8_t* data, std::size_t size) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void read_file(const std::string& path) {
  auto file = JournalFile::open(path);
  if (!file) {
    return;
  }
  static_cast<void>(file->seek(1'000));
  static_cast<void>(file->seek_first([](const JournalEntry& entry) { return entry.seqnum > 2; }));
  static_cast<void>(file->seek(0));
  std::size_t entries = 0;
  for (bool goes_on = true; goes_on;) {
    const auto entry = file->next();
    goes_on = entry ? entry->has_value() : file->skip();
    if (++entries > kMostEntries) {
      std::abort();
    }
    for (std::size_t i = 0;
         entry && *entry && i < std::min<std::size_t>((*entry)->items.size(), 64);
         ++i) {
      const auto text = file->payload((*entry)->items[i], 4000);
      if (text && text->size() > 4000) {
        std::abort();
      }
    }
  }
}

void follow(const std::string& live, const std::uint8_t* data, std::size_t size) {
  JournalReader reader(
      {.unit = "rke2-server.service", .directories = {directory()}, .boot_id = kBoot});
  const auto take = [](const Json& fact) {
    static_cast<void>(fact.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  if (!reader.start(0)) {
    return;
  }
  reader.poll(take);
  write(live, data, size);
  for (int i = 0; i < 40; ++i) {
    reader.poll(take);
  }
}

}  // namespace

// The first byte says where the file ends when the reader begins, in parts of 256, and whether it
// is an archived one beside it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t part = data[0];
  ++data;
  --size;
  const std::string live = directory() + "/system.journal";
  const std::string archived = directory() + "/system@1-2-3.journal";
  write(live, data, size);
  read_file(live);
  if (part % 2 == 1) {
    write(archived, data, size);
  }
  write(live, data, size - size * part / 512);
  follow(live, data, size);
  if (part % 2 == 1) {
    fs::remove(archived);
  }
  return 0;
}
