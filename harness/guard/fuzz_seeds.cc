// Writes what the fuzzing begins with, to DIRECTORY/journal and DIRECTORY/record: fuzz_seeds
// DIRECTORY.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <zstd.h>

#include "harness/guard/journal_fixture.h"

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
  const std::string markers =
      R"("open":[{"log":"Starting etcd"},{"manifest":"removed","file":"etcd.yaml"}],)"
      R"("close":[{"container":"started","pod":"etcd"},{"unit":"active"}],"offset_us":5)";
  const char* const actions[] = {R"({"do":"kill","pod":"etcd","how":"task"})",
                                 R"({"do":"reboot","how":"hard"})",
                                 R"({"do":"freeze","pod":"etcd","hold_ms":500})",
                                 R"({"do":"service","how":"stop","hold_ms":500})",
                                 R"({"do":"slow","how":"5","hold_ms":500})",
                                 R"({"do":"none"})"};
  int count = 0;
  for (const char* action : actions) {
    for (const std::string& trigger : {std::string(R"("now":true)"),
                                       R"("window":"etcd-start","boot":"next",)" + markers,
                                       R"("window":"gap","any_invocation":true,)" + markers}) {
      std::ofstream(directory / std::to_string(count++))
          << R"({"id":"h-1","run":"r","case":"c","cluster":"lab","unit":"rke2-server.service",)"
          << R"("data_dir":"/var/lib/rancher/rke2","fault":"kill-pod","params":{"a":[1,"b"]},)"
          << R"("undo":[],"ttl_ms":60000,"lease_ms":15000,"action":)" << action << R"(,"trigger":{)"
          << trigger << "}}";
    }
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
  return 0;
}
