#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "harness/guard/decompress.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/journal_fixture.h"
#include "harness/guard/journal_reader.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using Compression = JournalFixture::Compression;
using Layout = JournalFixture::Layout;

class Journal : public testing::TestWithParam<Layout> {
 protected:
  std::string live() const { return (directory_ / "system.journal").string(); }

  JournalReader reader() const {
    return JournalReader({.unit = "rke2-server.service",
                          .directories = {directory_.string()},
                          .boot_id = JournalFixture::kBoot});
  }

  std::vector<std::string> poll(JournalReader& reader, int times = 1) {
    std::vector<std::string> out;
    for (int i = 0; i < times; ++i) {
      reader.poll([&](const Json& fact) {
        out.push_back(json_string(fact, "type") == "journal"
                          ? json_string(fact, "line")
                          : "problem: " + json_string(fact, "line"));
      });
    }
    return out;
  }

  TestFolder directory_;
};

TEST_P(Journal, yields_the_units_own_lines_and_systemds_about_it_only) {
  JournalFixture file(GetParam());
  file.add(1000, 10, line("own"));
  file.add(1001, 11, line("foreign", "other.service"));
  file.add(1002,
           12,
           {{"_SYSTEMD_UNIT=init.scope"},
            {"_PID=1"},
            {"UNIT=rke2-server.service"},
            {"INVOCATION_ID=bb"},
            {"MESSAGE=Starting"}});
  file.add(1003,
           13,
           {{"_SYSTEMD_UNIT=evil.service"},
            {"_PID=666"},
            {"UNIT=rke2-server.service"},
            {"SYSLOG_IDENTIFIER=systemd"},
            {"MESSAGE=forged"}});
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(0));
  std::vector<Json> facts;
  reader.poll([&](Json fact) { facts.push_back(std::move(fact)); });
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0]["line"], "own");
  EXPECT_EQ(facts[0]["invocation"], "aa");
  EXPECT_EQ(facts[0]["mono_us"], 10);
  EXPECT_EQ(facts[0]["boot_id"], JournalFixture::kBoot);
  EXPECT_EQ(facts[0]["seqnum"], 1);
  EXPECT_EQ(facts[0]["seqnum_id"], "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(facts[1]["ident"], "systemd");
  EXPECT_EQ(facts[1]["invocation"], "bb");
}

TEST_P(Journal, follows_a_file_that_grows_over_several_arrays) {
  JournalFixture file(GetParam(), 2);
  file.add(1000, 1, line("before"));
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(INT64_MAX));
  EXPECT_TRUE(poll(reader).empty()) << "what was there before is not new";
  std::vector<std::string> expected;
  for (int i = 0; i < 9; ++i) {
    file.add(2000 + i, 2 + i, line("line " + std::to_string(i)));
    expected.push_back("line " + std::to_string(i));
  }
  file.grow(live());
  EXPECT_EQ(poll(reader), expected);
  EXPECT_TRUE(poll(reader).empty());
}

TEST_P(Journal, begins_at_a_time_and_reads_archived_files_first) {
  JournalFixture old(GetParam());
  old.add(1000, 1, line("too old"));
  old.add(2000, 2, line("archived"));
  old.write((directory_ / "system@1-2-3.journal").string());
  JournalFixture file(GetParam());
  file.row('\0', 3).add(3000, 3, line("live"));
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(1500));
  EXPECT_THAT(poll(reader), testing::ElementsAre("archived", "live"));
}

TEST_P(Journal, follows_rotation_without_loss) {
  JournalFixture file(GetParam());
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(INT64_MAX));
  file.add(1000, 1, line("last before rotation"));
  file.grow(live());
  fs::rename(live(), directory_ / "system@a-b-c.journal");
  JournalFixture fresh(GetParam());
  fresh.row('\0', 2).add(2000, 2, line("first after rotation"));
  fresh.write(live());
  EXPECT_THAT(poll(reader, 100),
              testing::ElementsAre("last before rotation", "first after rotation"));
}

TEST_P(Journal, reads_compressed_payloads_and_says_which_it_cannot) {
  const std::string text = "MESSAGE=" + std::string(2000, 'x') + "end";
  std::string zstd(ZSTD_compressBound(text.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), text.data(), text.size(), 3));
  std::string lz4(8, '\0');
  const std::uint64_t size = text.size();
  std::memcpy(lz4.data(), &size, 8);
  lz4 += std::string("\xf0", 1);
  for (std::uint64_t rest = text.size() - 15;; rest -= 255) {
    lz4 += static_cast<char>(std::min<std::uint64_t>(rest, 255));
    if (rest < 255) {
      break;
    }
  }
  lz4 += text;
  JournalFixture file(GetParam());
  auto fields = line("");
  fields.back() = {zstd, Compression::zstd};
  file.add(1000, 1, fields);
  fields.back() = {lz4, Compression::lz4};
  file.add(1001, 2, fields);
  fields.back() = {
      "\xfd"
      "7zXZ",
      Compression::xz};
  file.add(1002, 3, fields);
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(0));
  EXPECT_THAT(poll(reader),
              testing::ElementsAre(text.substr(8),
                                   text.substr(8),
                                   "problem: " + live() + " has a field compressed with XZ",
                                   "[unreadable field]"));
}

TEST_P(Journal, is_not_troubled_by_a_field_of_others_that_it_cannot_read) {
  JournalFixture file(GetParam());
  auto fields = line("", "other.service");
  fields.back() = {
      "\xfd"
      "7zXZ",
      Compression::xz};
  file.add(1000, 1, fields);
  fields = line("own");
  fields.push_back(
      {"\xfd"
       "7zXZ",
       Compression::xz});
  file.add(1001, 2, fields);
  file.write(live());
  JournalReader reader = this->reader();
  ASSERT_TRUE(reader.start(0));
  EXPECT_THAT(poll(reader), testing::ElementsAre("own"));
}

TEST_P(Journal, survives_any_cut_and_any_flipped_bytes) {
  JournalFixture file(GetParam(), 2);
  for (int i = 0; i < 6; ++i) {
    file.add(1000 + i, i, line("line " + std::to_string(i)));
  }
  const std::string whole = file.bytes();
  std::mt19937 chance(7);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = whole;
    if (round % 2 == 0) {
      bytes.resize(chance() % bytes.size());
    } else {
      for (int k = 0; k < 4; ++k) {
        bytes[chance() % bytes.size()] = static_cast<char>(chance());
      }
    }
    std::ofstream(live(), std::ios::binary | std::ios::trunc) << bytes;
    JournalReader reader = this->reader();
    if (reader.start(0)) {
      EXPECT_LE(poll(reader, 3).size(), 64U);
    }
  }
}

TEST_P(Journal, ends_with_the_file_whatever_its_arrays_say_of_their_size) {
  JournalFixture file(GetParam(), 2);
  for (int i = 0; i < 3; ++i) {
    file.add(1000 + i, i, line("own"));
  }
  // The third begins an array, the last thing in the file; both of its places are taken, and it
  // says that it has more.
  if (GetParam() == Layout::compact) {
    file.put32(file.array() + 28, static_cast<std::uint32_t>(file.last_entry()));
  } else {
    file.put64(file.array() + 32, file.last_entry());
  }
  file.put64(file.array() + 8, 400ULL << 20U);
  file.write((directory_ / "system@1-2-3.journal").string());
  auto opened = JournalFile::open((directory_ / "system@1-2-3.journal").string());
  ASSERT_TRUE(opened);
  std::size_t steps = 0;
  for (bool goes_on = true; goes_on && steps <= file.bytes().size(); ++steps) {
    const auto entry = opened->next();
    goes_on = entry ? entry->has_value() : opened->skip();
  }
  EXPECT_LE(steps, file.bytes().size()) << "the array alone would take a hundred million";
}

TEST_P(Journal, refuses_flags_that_it_does_not_know) {
  JournalFixture file(GetParam());
  file.put32(12, 1U << 20U);
  file.write(live());
  JournalReader reader = this->reader();
  const Status started = reader.start(0);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::not_supported);
}

TEST_P(Journal, says_when_there_is_no_journal) {
  JournalReader reader = this->reader();
  const Status started = reader.start(0);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message(), testing::HasSubstr("no system journal"));
}

INSTANTIATE_TEST_SUITE_P(Layouts, Journal, testing::Values(Layout::regular, Layout::compact));

TEST(Decompress, refuses_broken_frames) {
  EXPECT_FALSE(decompress_zstd("not a frame", 100));
  EXPECT_FALSE(decompress_lz4("short", 100));
  EXPECT_FALSE(decompress_lz4(std::string("\x64\0\0\0\0\0\0\0\xff\xff", 10), 100));
  EXPECT_FALSE(decompress_lz4(std::string("\x64\0\0\0\0\0\0\0\x10\x41\x09\x00", 12), 100))
      << "a match before the beginning";
}

}  // namespace
}  // namespace harness::guard
