// Writes what the fuzzing begins with beside the corpus, to DIRECTORY/journal, DIRECTORY/record and
// DIRECTORY/record.dict: fuzz_seeds DIRECTORY.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <zstd.h>

#include "harness/guard/journal_fixture.h"
#include "harness/guard/record_seeds.h"

namespace {

using harness::guard::JournalFixture;

std::string zstd_of(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// An LZ4 block of literals only, behind the eight bytes of its length.
std::string lz4_of(const std::string& text) {
  std::string out(8, '\0');
  const std::uint64_t size = text.size();
  std::memcpy(out.data(), &size, 8);
  return out + static_cast<char>(size << 4U) + text;
}

std::string journal(JournalFixture::Layout layout, std::uint64_t capacity) {
  JournalFixture file(layout, capacity);
  for (int i = 0; i < 6; ++i) {
    std::vector<JournalFixture::Field> fields = {{"_SYSTEMD_UNIT=rke2-server.service"},
                                                 {"_PID=42"},
                                                 {"SYSLOG_IDENTIFIER=rke2"},
                                                 {"_SYSTEMD_INVOCATION_ID=aa"}};
    switch (i % 3) {
      case 0:
        fields.push_back({"MESSAGE=plain"});
        break;
      case 1:
        fields.push_back(
            {zstd_of("MESSAGE=" + std::string(100, 'x')), JournalFixture::Compression::zstd});
        break;
      default:
        fields.push_back({lz4_of("MESSAGE=lz4"), JournalFixture::Compression::lz4});
    }
    file.add(1000 + i, i, fields);
  }
  file.add(1006,
           6,
           {{"_SYSTEMD_UNIT=systemd-journald.service"},
            {"_PID=30"},
            {"MESSAGE=Suppressed 41 messages from rke2-server.service"}});
  return file.bytes();
}

void write_journals(const std::filesystem::path& directory) {
  int count = 0;
  for (const auto layout : {JournalFixture::Layout::regular, JournalFixture::Layout::compact}) {
    for (const std::uint64_t capacity : {2U, 16U}) {
      for (const char first : {'\0', '\1', '\x80'}) {
        std::ofstream(directory / std::to_string(count++), std::ios::binary)
            << first << journal(layout, capacity);
      }
    }
  }
}

void write_records(const std::filesystem::path& directory) {
  for (const harness::guard::RecordSeed& seed : harness::guard::record_seeds()) {
    std::ofstream(directory / seed.name, std::ios::binary) << seed.bytes;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory / "journal");
  std::filesystem::create_directories(directory / "record");
  write_journals(directory / "journal");
  write_records(directory / "record");
  std::ofstream(directory / "record.dict") << harness::guard::record_dictionary();
  return 0;
}
