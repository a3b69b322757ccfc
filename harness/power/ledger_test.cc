#include "harness/power/ledger.h"

#include <fstream>

#include <gmock/gmock.h>

namespace harness::power {
namespace {

class PowerLedger : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "hookshot-power-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(PowerLedger, keeps_one_entry_per_node_until_it_is_forgotten) {
  const Ledger ledger(folder_ / "lab-a");
  EXPECT_TRUE(ledger.entries().empty());
  ASSERT_TRUE(ledger.note({.node = "cp-2", .id = "h-2", .run = "r", .noted_us = 7}));
  ASSERT_TRUE(ledger.note({.node = "cp-1", .id = "h-1", .run = "r"}));
  ASSERT_TRUE(ledger.note({.node = "cp-1", .id = "h-3", .run = "r"}));
  const auto entries = Ledger(folder_ / "lab-a").entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].id, "h-3");
  EXPECT_EQ(entries[1].noted_us, 7);
  ASSERT_TRUE(ledger.forget("cp-1"));
  ASSERT_TRUE(ledger.forget("cp-1")) << "twice is fine";
  EXPECT_EQ(ledger.entries().size(), 1U);
}

TEST_F(PowerLedger, tells_whether_its_process_is_still_at_it) {
  const Ledger ledger(folder_);
  auto held = ledger.note({.node = "cp-1", .id = "h-1", .run = "r"});
  ASSERT_TRUE(held) << held.error().message();
  EXPECT_TRUE(ledger.entries().at(0).held);
  *held = exec::UniqueFd();
  EXPECT_FALSE(ledger.entries().at(0).held);
}

TEST_F(PowerLedger, takes_a_file_that_it_cannot_read_for_an_entry) {
  std::ofstream(folder_ / "cp-1.json") << "{";
  const auto entries = Ledger(folder_).entries();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].node, "cp-1");
}

TEST_F(PowerLedger, says_where_it_could_not_write) {
  std::ofstream(folder_ / "file") << "";
  const auto noted = Ledger(folder_ / "file").note({.node = "cp-1", .id = "h", .run = "r"});
  ASSERT_FALSE(noted);
  EXPECT_THAT(noted.error().message(), testing::HasSubstr((folder_ / "file/cp-1.json").string()));
}

}  // namespace
}  // namespace harness::power
