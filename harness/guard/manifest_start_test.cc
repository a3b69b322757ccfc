// A manifest that is taken back while rke2 starts, which takes away and writes manifests itself.
#include <gmock/gmock.h>

#include "harness/guard/file_moves.h"
#include "harness/guard/manifest_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

TEST_F(ManifestTest, that_is_away_is_waited_for_while_rke2_begins_anew) {
  ASSERT_TRUE(take("move"));
  invocation_ = "two";
  state_ = "activating";
  looks_ = [this](int look) {
    if (look == 3) {
      write("rke2's own\n");
    }
  };
  EXPECT_THAT(release(), HasSubstr("left as it is"));
  EXPECT_EQ(content(), "rke2's own\n");
  EXPECT_FALSE(there(means_.before));
}

TEST_F(ManifestTest, comes_back_when_rke2_has_come_to_rest_without_it) {
  for (const char* rest : {"active", "failed", "inactive"}) {
    ASSERT_TRUE(take("move"));
    invocation_ += "+";
    state_ = "activating";
    look_ = 0;
    looks_ = [this, rest](int look) { state_ = look < 3 ? "activating" : rest; };
    EXPECT_THAT(release(), HasSubstr("is back, read back")) << rest;
    EXPECT_EQ(content(), kManifest) << rest;
    looks_ = {};
  }
}

TEST_F(ManifestTest, is_kept_and_no_success_while_rke2_neither_writes_it_nor_rests) {
  ASSERT_TRUE(take("move"));
  invocation_ = "two";
  state_ = "activating";
  const auto said = release_manifest(held_, means_, std::chrono::milliseconds(1));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(said.error().message(), HasSubstr("rke2-server.service is starting and writes"));
  EXPECT_EQ(content(), "(away)");
  EXPECT_EQ(read_whole(means_.before).value(), kManifest) << "what was there is kept";
  state_ = "active";
  EXPECT_THAT(release(), HasSubstr("is back"));
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestTest, that_was_rewritten_and_is_gone_since_stays_away) {
  for (const char* how : {"uid", "break"}) {
    for (const char* state : {"activating", "active", "inactive"}) {
      write(kManifest);
      ASSERT_TRUE(take(how)) << how;
      state_ = state;
      std::filesystem::remove(file());
      EXPECT_THAT(release(), HasSubstr("it was removed, and stays so")) << how << state;
      EXPECT_EQ(content(), "(away)") << how << state;
      EXPECT_FALSE(there(means_.before)) << how << state;
    }
  }
}

TEST_F(ManifestTest, that_goes_while_it_is_put_back_stays_away) {
  ASSERT_TRUE(take("uid"));
  std::filesystem::remove(file());
  const auto placed = exchange(file(), means_.before, "ours");
  ASSERT_TRUE(placed) << placed.error().message();
  EXPECT_EQ(*placed, Placed::taken);
  EXPECT_EQ(read_whole(means_.before).value_or(""), kManifest);
}

// In one and the same start, which is of another release than the manifest.
class ManifestOfAnEarlierStart : public ManifestTest {
 protected:
  void SetUp() override {
    ManifestTest::SetUp();
    std::filesystem::remove(file());
    record_.action.pod = "kube-apiserver";
    write(kManifest);
    written(-std::chrono::hours(1));
    main_ = children_.start_one();
    state_ = "activating";
  }

  void written(std::chrono::seconds from_now) const {
    std::filesystem::last_write_time(file(),
                                     std::filesystem::file_time_type::clock::now() + from_now);
  }
};

TEST_F(ManifestOfAnEarlierStart, does_not_come_back_before_the_start_has_written_its_own) {
  ASSERT_TRUE(take("move"));
  looks_ = [this](int look) {
    if (look == 3) {
      EXPECT_EQ(content(), "(away)");
      write("the new release's\n");
    }
  };
  EXPECT_THAT(release(), HasSubstr("left as it is"));
  EXPECT_EQ(content(), "the new release's\n");
  EXPECT_FALSE(there(means_.before));
}

TEST_F(ManifestOfAnEarlierStart, is_waited_for_while_there_is_no_process_yet_that_could_write_it) {
  main_ = {};
  ASSERT_TRUE(take("move"));
  EXPECT_EQ(release_manifest(held_, means_, std::chrono::milliseconds(1)).error().code(),
            ErrorCode::timed_out);
  EXPECT_EQ(content(), "(away)");
}

TEST_F(ManifestOfAnEarlierStart, comes_back_when_the_start_is_over_and_wrote_no_other) {
  ASSERT_TRUE(take("move"));
  looks_ = [this](int look) { state_ = look < 3 ? "activating" : "active"; };
  EXPECT_THAT(release(), HasSubstr("is back, read back"));
  EXPECT_EQ(look_, 3);
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestOfAnEarlierStart, comes_back_at_once_where_the_start_waits_for_its_pod) {
  // It writes etcd's over what is there, and not at all where that is the same.
  record_.action.pod = "etcd";
  write(kManifest);
  written(-std::chrono::hours(1));
  ASSERT_TRUE(take("move"));
  looks_ = [](int) {};
  EXPECT_THAT(release(), HasSubstr("is back, read back"));
  EXPECT_EQ(content(), kManifest);
  EXPECT_EQ(look_, 1) << "nobody was waited for";
}

TEST_F(ManifestOfAnEarlierStart, is_told_from_one_that_this_start_has_written) {
  written(std::chrono::seconds(0));
  ASSERT_TRUE(take("move"));
  looks_ = [](int) {};
  EXPECT_THAT(release(), HasSubstr("is back, read back"));
  EXPECT_EQ(content(), kManifest);
  EXPECT_EQ(look_, 1) << "nobody was waited for";
}

}  // namespace
}  // namespace harness::guard
