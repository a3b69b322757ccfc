#include "harness/guard/store.h"

#include <atomic>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/next_boot.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (access("/dev/full", W_OK) != 0) {
      GTEST_SKIP() << "no /dev/full";
    }
  }

  std::string on_disk() const {
    return read_whole(disk_.places().state + "/armed/h-1/state.json").value_or("");
  }

  void reach(RecordState& record, const char* state) {
    record.progress["state"] = state;
    const Status saved = store_.save(record);
    ASSERT_TRUE(saved) << saved.error().message();
  }

  TestFolder folder_;
  Disk disk_{folder_};
  Store store_{disk_.places()};
};

TEST_F(StoreTest, keeps_a_record_until_it_is_finished) {
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  ASSERT_EQ(store_.armed().size(), 1U);
  EXPECT_EQ(store_.armed()[0].to_json("record")["window"], "w");
  EXPECT_FALSE(store_.armed()[0].progress.contains("saved")) << "that is the store's own";
  EXPECT_EQ(store_.create(record).error().code(), ErrorCode::refused) << "an id is used once";
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(record));
  EXPECT_TRUE(store_.armed().empty());
  EXPECT_EQ(store_.load("h-1")->state(), "VERIFIED");
  EXPECT_FALSE(store_.load("../../etc"));
}

TEST_F(StoreTest, tells_nobody_what_a_manifest_holds_and_forgets_it_when_it_is_back) {
  RecordState record = armed_record("h-1");
  record.progress["held"] = {{"kind", "manifest"}, {"path", "/p"}, {"ours", "HTTPS_PROXY=secret"}};
  ASSERT_TRUE(store_.create(record));
  EXPECT_THAT(on_disk(), HasSubstr("secret")) << "the undo needs it";
  for (const char* type : {"record", "fault"}) {
    const Json told = store_.load("h-1")->to_json(type);
    EXPECT_FALSE(told.contains("held")) << told;
    EXPECT_EQ(told["state"], "ARMED");
  }
  record.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(record));
  const std::string kept = read_whole(store_.done_dir() + "/h-1/state.json").value_or("");
  EXPECT_THAT(kept, HasSubstr("VERIFIED"));
  EXPECT_THAT(kept, testing::Not(HasSubstr("secret")));
}

TEST_F(StoreTest, arms_nothing_on_a_full_disk) {
  disk_.full = true;
  const Status created = store_.create(armed_record("h-1"));
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().message(), HasSubstr("No space left on device"));
  EXPECT_TRUE(store_.armed().empty());
  EXPECT_TRUE(store_.unreadable().empty()) << "nothing is left behind";
  EXPECT_FALSE(store_.mirrored());
}

TEST_F(StoreTest, keeps_a_state_in_memory_until_the_disk_takes_it) {
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  disk_.full = true;
  reach(record, "APPLYING");
  record.progress["held"] = {{"kind", "frozen"}};
  ASSERT_TRUE(store_.note(record));
  EXPECT_THAT(on_disk(), HasSubstr("ARMED"));
  EXPECT_EQ(Store(disk_.places()).load("h-1")->progress["held"]["kind"], "frozen");
  ASSERT_EQ(store_.armed().size(), 1U);
  EXPECT_EQ(store_.armed()[0].state(), "APPLYING");
  EXPECT_FALSE(store_.fold("h-1")) << "it is full yet";
  EXPECT_TRUE(store_.mirrored("h-1"));
  disk_.full = false;
  ASSERT_TRUE(store_.fold("h-1"));
  EXPECT_THAT(on_disk(), HasSubstr("frozen"));
  EXPECT_FALSE(store_.mirrored());
}

TEST_F(StoreTest, takes_the_newer_of_both_and_puts_nothing_old_back) {
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  disk_.full = true;
  reach(record, "APPLYING");
  const std::string mirror = disk_.places().run + "/mirror/record-h-1.json";
  const std::string old = read_whole(mirror).value();
  disk_.full = false;
  reach(record, "APPLIED");
  EXPECT_FALSE(store_.mirrored()) << "what the disk took needs no mirror";
  // As when the guard is killed between the two.
  ASSERT_TRUE(write_durable(mirror, old));
  EXPECT_EQ(store_.load("h-1")->state(), "APPLIED");
  ASSERT_TRUE(store_.fold("h-1"));
  EXPECT_THAT(on_disk(), HasSubstr("APPLIED"));
  EXPECT_FALSE(store_.mirrored());
  Json foreign = parse_json(old).value();
  foreign["saved"] = {{"boot_id", "another"}, {"mono_us", INT64_MAX}};
  ASSERT_TRUE(write_durable(mirror, foreign.dump()));
  EXPECT_EQ(store_.load("h-1")->state(), "APPLIED") << "a mirror ends with its boot";
}

TEST_F(StoreTest, is_no_mirror_for_what_was_never_armed) {
  disk_.full = true;
  EXPECT_FALSE(store_.save(armed_record("h-1")));
  EXPECT_FALSE(store_.mirrored());
}

TEST_F(StoreTest, does_not_commit_to_memory) {
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store_.create(record));
  disk_.full = true;
  record.progress["woken_in"] = "boot2";
  EXPECT_FALSE(store_.commit(record));
  EXPECT_FALSE(store_.mirrored());
  EXPECT_FALSE(store_.load("h-1")->progress.contains("woken_in"));
}

TEST_F(StoreTest, moves_what_is_over_away_on_a_full_disk_and_no_reboot_wakes_it) {
  RecordState record = armed_record("h-1");
  record.record.trigger.next_boot = true;
  ASSERT_TRUE(store_.create(record));
  disk_.full = true;
  record.progress["state"] = "VERIFIED";
  record.progress["outcome"] = "expired";
  record.progress["reason"] = "asked by the controller";
  ASSERT_TRUE(store_.finish(record));
  EXPECT_TRUE(store_.armed().empty());
  EXPECT_EQ(store_.load("h-1")->progress["reason"], "asked by the controller");
  disk_.reboot();
  EXPECT_TRUE(store_.armed().empty());
  ASSERT_EQ(store_.done().size(), 1U);
  EXPECT_EQ(store_.done()[0].state(), "VERIFIED");
  EXPECT_THAT(json_string(store_.done()[0].progress, "reason"), HasSubstr("full disk"));
}

TEST_F(StoreTest, does_not_pass_for_over_what_the_next_boot_would_wake) {
  RecordState usual = armed_record("h-1");
  RecordState next = armed_record("h-2");
  next.record.trigger.next_boot = true;
  ASSERT_TRUE(store_.create(usual));
  ASSERT_TRUE(store_.create(next));
  disk_.full = true;
  std::ofstream(store_.done_dir()) << "so that nothing can be moved there";
  usual.progress["state"] = next.progress["state"] = "VERIFIED";
  EXPECT_TRUE(store_.finish(usual)) << "a boot takes it back once more";
  EXPECT_FALSE(store_.finish(next));
  ASSERT_EQ(store_.armed().size(), 1U);
  EXPECT_EQ(store_.armed()[0].record.id, "h-2");
  disk_.full = false;
  fs::remove(store_.done_dir());
  store_.fold_all();
  EXPECT_TRUE(store_.armed().empty());
  EXPECT_EQ(store_.done().size(), 2U);
  EXPECT_FALSE(fs::exists(store_.armed_dir() + "/h-2"));
}

TEST_F(StoreTest, quarantines_a_node_whose_disk_is_full) {
  disk_.full = true;
  ASSERT_TRUE(store_.quarantine("dirty"));
  EXPECT_TRUE(store_.quarantined());
  disk_.full = false;
  store_.fold_all();
  EXPECT_EQ(read_whole(store_.dir() + "/QUARANTINE").value_or(""), "dirty\n");
  disk_.reboot();
  EXPECT_TRUE(store_.quarantined());
  ASSERT_TRUE(store_.lift_quarantine());
  EXPECT_FALSE(store_.quarantined());
}

TEST_F(StoreTest, locks_without_making_a_file_and_says_when_it_cannot) {
  {
    const auto lock = store_.lock();
    ASSERT_TRUE(lock);
    const int other = open(store_.dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_NE(flock(other, LOCK_EX | LOCK_NB), 0) << "it is held";
    close(other);
  }
  EXPECT_FALSE(fs::exists(store_.dir() + "/lock"));
  fs::remove_all(store_.dir());
  const auto lock = store_.lock();
  ASSERT_FALSE(lock);
  EXPECT_THAT(lock.error().message(), HasSubstr("lock " + store_.dir()));
}

TEST_F(StoreTest, takes_only_the_clusters_own_mark) {
  const std::string mark = (folder_ / "allow").string();
  EXPECT_EQ(check_allowed("lab", mark).error().code(), ErrorCode::refused);
  std::ofstream(mark) << "lab\n";
  EXPECT_TRUE(check_allowed("lab", mark));
  EXPECT_THAT(check_allowed("other", mark).error().message(),
              HasSubstr("marked for cluster 'lab', not for 'other'"));
  EXPECT_EQ(check_allowed("la b", mark).error().code(), ErrorCode::invalid_input);
}

// As `status` looks while a record is finished.
TEST(Finishing, is_seen_on_one_side_or_the_other_at_every_moment) {
  const TestFolder folder;
  const Disk disk(folder);
  Store store(disk.places());
  std::atomic<bool> over = false;
  std::atomic<int> id = 0;
  ASSERT_TRUE(store.create(armed_record("h-0")));
  std::jthread finishing([&] {
    for (int i = 0; i < 60; ++i) {
      RecordState state = armed_record("h-" + std::to_string(i));
      state.progress["state"] = "VERIFIED";
      static_cast<void>(store.create(armed_record("h-" + std::to_string(i + 1))));
      static_cast<void>(store.finish(state));
      id = i + 1;
    }
    over = true;
  });
  int missed = 0;
  int looks = 0;
  while (!over) {
    const std::string wanted = "h-" + std::to_string(id.load());
    const auto is_it = [&](const RecordState& state) { return state.record.id == wanted; };
    const bool armed = std::ranges::any_of(store.armed(), is_it);
    missed += !armed && std::ranges::none_of(store.done(), is_it) ? 1 : 0;
    ++looks;
  }
  EXPECT_EQ(missed, 0) << looks << " looks";
  EXPECT_GT(looks, 0);
}

}  // namespace
}  // namespace harness::guard
