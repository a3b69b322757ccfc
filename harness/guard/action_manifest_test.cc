#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/manifest_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ManifestTest, is_away_and_comes_back_as_it_was) {
  const auto deed = take("move");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_TRUE(there_at_note_) << "the way back comes first";
  EXPECT_FALSE(there(file()));
  EXPECT_EQ(files(), 0U) << "no copy where kubelet looks";
  EXPECT_THAT(json_string(deed->evidence, "summary"), HasSubstr("is away, read back"));
  EXPECT_THAT(release(), HasSubstr("is back, read back"));
  EXPECT_EQ(content(), kManifest);

  struct stat info {};

  ASSERT_EQ(stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
  EXPECT_FALSE(there(means_.before)) << "a snapshot is wiped when it is back";
  EXPECT_THAT(release(), HasSubstr("was put back before"));
  EXPECT_EQ(files(), 1U);
}

TEST_F(ManifestTest, is_harmed_only_when_the_way_back_is_kept) {
  note_ = fail(ErrorCode::remote_failed, "disk full");
  EXPECT_FALSE(take("move"));
  EXPECT_EQ(content(), kManifest);
  means_.before = (folder_ / "no/such/folder").string();
  note_ = {};
  EXPECT_FALSE(take("break"));
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestTest, gets_another_uid_and_its_own_again) {
  ASSERT_TRUE(take("uid"));
  EXPECT_THAT(content(), HasSubstr("  uid: 0123456789abcdef0123456789abcde0\n"));
  EXPECT_EQ(files(), 1U);
  EXPECT_THAT(release(), HasSubstr("is back"));
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestTest, is_no_manifest_for_a_while) {
  ASSERT_TRUE(take("break"));
  EXPECT_THAT(content(), StartsWith("# hookshot"));
  EXPECT_THAT(release(), HasSubstr("is back"));
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestTest, that_somebody_wrote_meanwhile_stays) {
  for (const char* how : {"move", "uid", "break"}) {
    write(kManifest);
    ASSERT_TRUE(take(how)) << how;
    write("the upgrade's\n");
    EXPECT_THAT(release(), HasSubstr("left as it is")) << how;
    EXPECT_EQ(content(), "the upgrade's\n") << how;
    EXPECT_FALSE(there(means_.before)) << how;
  }
}

TEST_F(ManifestTest, that_was_being_put_back_when_the_undo_was_cut_off) {
  ASSERT_TRUE(take("break"));
  const std::string ours = content();
  std::filesystem::remove(file());
  std::filesystem::rename(means_.before, file());
  std::ofstream(means_.before) << ours;
  EXPECT_THAT(release(), HasSubstr("is as it was"));
  EXPECT_EQ(content(), kManifest);
  EXPECT_FALSE(there(means_.before));
}

TEST_F(ManifestTest, that_is_away_comes_back_at_a_boot_before_rke2_begins) {
  ASSERT_TRUE(take("move"));
  invocation_ = "";
  state_ = "inactive";
  held_["boot_id"] = "an earlier boot";
  const auto said = guard::release(held_, means_);
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_THAT(*said, HasSubstr("is back"));
  EXPECT_EQ(content(), kManifest);
}

TEST_F(ManifestTest, without_its_copy_is_an_error_that_says_what_to_do) {
  ASSERT_TRUE(take("move"));
  std::filesystem::remove(means_.before);
  EXPECT_THAT(release(), StartsWith("failed: "));
  EXPECT_THAT(release(), HasSubstr("restart rke2-server.service on the node"));
}

TEST_F(ManifestTest, that_is_a_link_or_missing_is_left_alone) {
  std::filesystem::rename(file(), folder_ / "elsewhere");
  EXPECT_FALSE(take("move"));
  std::filesystem::create_symlink(folder_ / "elsewhere", file());
  EXPECT_FALSE(take("move"));
  EXPECT_TRUE(std::filesystem::is_symlink(file()));
  EXPECT_TRUE(held_.is_null());
}

// A filesystem of the test's own, of which the last byte is taken before the way back.
class FullManifestTest : public ManifestTest {
 protected:
  void SetUp() override {
    ManifestTest::SetUp();
    data_dir_ = (folder_ / "disk").string();
    std::filesystem::create_directories(data_dir_);
    if (geteuid() != 0 || mount("tmpfs", data_dir_.c_str(), "tmpfs", 0, "size=1m") != 0) {
      GTEST_SKIP() << "a filesystem that can be full needs root, and mount of a tmpfs: "
                   << std::strerror(errno);
    }
    mounted_ = true;
    std::filesystem::create_directories(data_dir_ + "/agent/pod-manifests");
    std::filesystem::create_directories(data_dir_ + "/h-1");
    std::ofstream(manifest()) << kManifest;
    record_.data_dir = data_dir_;
    means_.before = data_dir_ + "/h-1/before";
  }

  void TearDown() override {
    if (mounted_) {
      umount2(data_dir_.c_str(), MNT_DETACH);
    }
  }

  std::string manifest() const { return data_dir_ + "/agent/pod-manifests/etcd.yaml"; }

  bool fill() const {
    std::ofstream file(data_dir_ + "/full");
    while (file << std::string(4096, 'x') << std::flush) {
    }
    return !write_whole(data_dir_ + "/probe", "x");
  }

  std::string data_dir_;
  bool mounted_ = false;
};

TEST_F(FullManifestTest, comes_back_on_a_disk_without_space) {
  for (const char* how : {"move", "break", "uid"}) {
    ASSERT_TRUE(take(how)) << how;
    ASSERT_TRUE(fill());
    EXPECT_THAT(release(), HasSubstr("is back, read back")) << how;
    EXPECT_EQ(read_whole(manifest()).value_or("(away)"), kManifest) << how;
    EXPECT_FALSE(there(means_.before)) << how;
    std::filesystem::remove(data_dir_ + "/full");
  }
}

TEST_F(FullManifestTest, is_kept_on_its_own_filesystem_where_kubelet_does_not_look) {
  means_.before = (folder_ / "armed/before").string();
  for (const char* how : {"move", "break"}) {
    ASSERT_TRUE(take(how)) << how;
    const std::string aside = data_dir_ + "/agent/.hookshot-armed-etcd.yaml";
    EXPECT_EQ(read_whole(aside).value_or(""), kManifest) << how;
    ASSERT_TRUE(fill());
    EXPECT_THAT(release(), HasSubstr("is back, read back")) << how;
    EXPECT_EQ(read_whole(manifest()).value_or("(away)"), kManifest) << how;
    EXPECT_FALSE(there(aside)) << how;
    std::filesystem::remove(data_dir_ + "/full");
  }
}

TEST(OtherUid, needs_a_uid_of_the_pod) {
  EXPECT_EQ(with_other_uid("metadata:\n  name: x\n"), "");
  EXPECT_EQ(with_other_uid("metadata:\n  uid: \n"), "");
  EXPECT_EQ(with_other_uid("metadata:\n  uid: \"ab0\"\n"), "metadata:\n  uid: \"ab1\"\n");
}

}  // namespace
}  // namespace harness::guard
