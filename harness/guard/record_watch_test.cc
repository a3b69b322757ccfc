#include "harness/guard/record_watch.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::guard {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Records : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("hookshot-records-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_ / "armed");
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  static RecordState state(const std::string& id) {
    RecordState out;
    out.record = {.id = id,
                  .run = "r",
                  .case_name = "c",
                  .cluster = "lab",
                  .unit = "rke2-server.service",
                  .data_dir = "/var/lib/rancher/rke2",
                  .fault = "kill-pod"};
    out.record.action = {Action::Kind::kill, "etcd", "task"};
    out.record.trigger.now = true;
    out.record.ttl = out.record.lease = std::chrono::seconds(10);
    out.progress = {{"state", "ARMED"}, {"outcome", ""}};
    return out;
  }

  static std::vector<std::string> poll(RecordWatch& watch) {
    std::vector<std::string> out;
    watch.poll([&](const Json& fact) {
      EXPECT_EQ(json_string(fact, "type"), "fault");
      EXPECT_GT(json_int(fact, "mono_us"), 0);
      out.push_back(json_string(fact, "id") + " " + json_string(fact, "state"));
    });
    return out;
  }

  std::filesystem::path directory_;
};

TEST_F(Records, tells_each_state_once_up_to_the_last) {
  Store store(directory_.string());
  RecordState past = state("h-0");
  ASSERT_TRUE(store.create(past));
  ASSERT_TRUE(store.finish(past));
  RecordState record = state("h-1");
  ASSERT_TRUE(store.create(record));
  RecordWatch watch(store);
  EXPECT_THAT(poll(watch), ElementsAre("h-1 ARMED"));
  EXPECT_THAT(poll(watch), IsEmpty());
  record.progress["state"] = "APPLIED";
  ASSERT_TRUE(store.save(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 APPLIED"));
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store.finish(record));
  EXPECT_THAT(poll(watch), ElementsAre("h-1 VERIFIED"));
}

TEST_F(Records, reads_a_record_again_only_when_its_file_changed) {
  Store store(directory_.string());
  RecordState record = state("h-1");
  ASSERT_TRUE(store.create(record));
  RecordWatch watch(store);
  for (int i = 0; i < 5; ++i) {
    poll(watch);
  }
  EXPECT_EQ(watch.parsed(), 1U);
}

}  // namespace
}  // namespace harness::guard
