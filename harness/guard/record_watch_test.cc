#include "harness/guard/record_watch.h"

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Records : public testing::Test {
 protected:
  static std::vector<std::string> poll(RecordWatch& watch) {
    std::vector<std::string> out;
    watch.poll([&](const Json& fact) {
      EXPECT_EQ(json_string(fact, "type"), "fault");
      EXPECT_GT(json_int(fact, "mono_us"), 0);
      out.push_back(json_string(fact, "id") + " " + json_string(fact, "state"));
    });
    return out;
  }

  TestFolder folder_;
  Disk disk_{folder_};
  Store store_{disk_.places()};
};

TEST_F(Records, tells_each_state_once_up_to_the_last) {
  RecordState past = armed_record("h-0");
  ASSERT_TRUE(store_.create(past));
  past.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(past));
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  RecordWatch watch(store_);
  EXPECT_THAT(poll(watch), ElementsAre("h-1 ARMED"));
  EXPECT_THAT(poll(watch), IsEmpty());
  record.progress["state"] = "APPLIED";
  ASSERT_TRUE(store_.save(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 APPLIED"));
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 VERIFIED"));
}

TEST_F(Records, reads_a_record_again_only_when_its_file_changed) {
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  RecordWatch watch(store_);
  for (int i = 0; i < 5; ++i) {
    poll(watch);
  }
  EXPECT_EQ(watch.parsed(), 1U);
}

TEST_F(Records, tells_what_is_only_in_memory_once) {
  if (access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  RecordWatch watch(store_);
  EXPECT_THAT(poll(watch), ElementsAre("h-1 ARMED"));
  disk_.full = true;
  record.progress["state"] = "APPLIED";
  ASSERT_TRUE(store_.save(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 APPLIED"));
  disk_.full = false;
  store_.fold_all();
  EXPECT_THAT(poll(watch), IsEmpty());
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 VERIFIED"));
}

}  // namespace
}  // namespace harness::guard
