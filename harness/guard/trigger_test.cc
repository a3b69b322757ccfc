#include "harness/guard/trigger.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::guard {
namespace {

using Verdict = TriggerLogic::Verdict;

Json journal(const std::string& msg, const std::string& invocation, std::int64_t at) {
  return {{"type", "journal"},
          {"ident", "rke2"},
          {"line", "level=info msg=\"" + msg + "\""},
          {"invocation", invocation},
          {"mono_us", at},
          {"wall_us", at + 7}};
}

Trigger trigger(std::int64_t offset_us = 0, bool any = false) {
  return {.window = "w",
          .open = {{event::Marker::Kind::log, "open", {}, {}}},
          .close = {{event::Marker::Kind::log, "close", {}, {}}},
          .offset = Microseconds(offset_us),
          .any_invocation = any};
}

TEST(TriggerLogic, fires_at_marker_plus_offset_in_a_new_invocation) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  EXPECT_EQ(logic.feed(journal("open", "old", 100)), Verdict::wait)
      << "the invocation that ran while arming does not count";
  EXPECT_EQ(logic.feed(journal("hello", "new", 200)), Verdict::wait);
  EXPECT_EQ(logic.feed(journal("open", "new", 300)), Verdict::armed);
  EXPECT_EQ(logic.fire_at_mono_us(), 800);
  EXPECT_EQ(logic.opened_wall_us(), 307);
  EXPECT_EQ(logic.invocation(), "new");
}

TEST(TriggerLogic, also_takes_the_current_invocation_when_asked) {
  const Trigger wanted = trigger(0, true);
  TriggerLogic logic(wanted, "old");
  EXPECT_EQ(logic.feed(journal("open", "old", 100)), Verdict::armed);
}

TEST(TriggerLogic, misses_when_the_window_closes_before_the_offset) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("close", "new", 700)), Verdict::missed);
  EXPECT_THAT(logic.reason(),
              testing::HasSubstr("closed after 400 us, before the offset of 500 us"));
}

TEST(TriggerLogic, misses_when_the_close_is_read_before_firing_though_it_is_past_the_offset) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("close", "new", 900)), Verdict::missed);
  EXPECT_THAT(logic.reason(), testing::HasSubstr("closed after 600 us"));
}

TEST(TriggerLogic, misses_when_a_new_invocation_begins_inside_the_window) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("hello", "newer", 400)), Verdict::missed);
  EXPECT_THAT(logic.reason(), testing::HasSubstr("new invocation"));
}

TEST(TriggerLogic, takes_renames_for_the_invocation_that_wrote_last) {
  const Trigger wanted{.window = "gap",
                       .open = {{event::Marker::Kind::manifest, "removed", {}, "a.yaml"}},
                       .close = {{event::Marker::Kind::manifest, "written", {}, "a.yaml"}}};
  TriggerLogic logic(wanted, "old");
  const Json removed = {
      {"type", "manifest"}, {"op", "removed"}, {"file", "a.yaml"}, {"mono_us", 5}};
  EXPECT_EQ(logic.feed(removed), Verdict::wait) << "no invocation has been seen yet";
  logic.feed(journal("hello", "new", 6));
  EXPECT_EQ(logic.feed(removed), Verdict::armed);
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("hookshot-store-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_ / "armed");
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  static RecordState state() {
    RecordState out;
    out.record = {.id = "h-1-1",
                  .run = "r",
                  .case_name = "c",
                  .cluster = "lab",
                  .unit = "rke2-server.service",
                  .data_dir = "/var/lib/rancher/rke2",
                  .fault = "kill-pod"};
    out.record.action = {Action::Kind::kill, "etcd", "task"};
    out.record.trigger = trigger();
    out.record.ttl = out.record.lease = std::chrono::seconds(10);
    out.progress = {{"state", "ARMED"}, {"outcome", ""}};
    return out;
  }

  std::filesystem::path directory_;
};

TEST_F(StoreTest, keeps_a_record_until_it_is_finished) {
  Store store(directory_.string());
  RecordState record = state();
  ASSERT_TRUE(store.create(record));
  ASSERT_EQ(store.armed().size(), 1U);
  EXPECT_EQ(store.armed()[0].to_json("record")["window"], "w");
  EXPECT_EQ(store.create(record).error().code(), ErrorCode::refused) << "an id is used once";
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store.finish(record));
  EXPECT_TRUE(store.armed().empty());
  EXPECT_EQ(store.load("h-1-1")->state(), "VERIFIED");
  EXPECT_FALSE(store.load("../../etc"));
}

TEST_F(StoreTest, leaves_nothing_behind_when_the_disk_is_full) {
  if (access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  // A directory that cannot be written stands for the full disk: the temporary file cannot be made.
  Store store((directory_ / "none").string());
  std::ofstream(directory_ / "none") << "a file where the directory should be";
  EXPECT_FALSE(store.create(state()));
  EXPECT_TRUE(store.armed().empty());
}

TEST_F(StoreTest, takes_only_the_clusters_own_mark) {
  const std::string mark = (directory_ / "allow").string();
  EXPECT_EQ(check_allowed("lab", mark).error().code(), ErrorCode::refused);
  std::ofstream(mark) << "lab\n";
  EXPECT_TRUE(check_allowed("lab", mark));
  EXPECT_THAT(check_allowed("other", mark).error().message(),
              testing::HasSubstr("marked for cluster 'lab', not for 'other'"));
  EXPECT_EQ(check_allowed("la b", mark).error().code(), ErrorCode::invalid_input);
}

}  // namespace
}  // namespace harness::guard
