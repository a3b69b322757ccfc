// Space taken away.
#include "harness/guard/action_fill.h"

#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/resource_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

// A small filesystem of the test's own.
class FillTest : public ResourceTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "mounting a filesystem needs root";
    }
    std::filesystem::create_directories(db());
    if (mount("tmpfs", db().c_str(), "tmpfs", 0, "size=8m") != 0) {
      GTEST_SKIP() << "mount of a tmpfs: " << std::strerror(errno);
    }
    mounted_ = true;
  }

  void TearDown() override {
    if (mounted_) {
      umount2(db().c_str(), MNT_DETACH);
    }
  }

  std::string db() const { return (folder_ / "server/db").string(); }

  bool can_write() const {
    const std::string file = db() + "/probe";
    const bool done = write_whole(file, std::string(1U << 20U, 'x')).has_value();
    unlink(file.c_str());
    return done;
  }

  ArmRecord& fills(std::int64_t keep_mb = 0) {
    ArmRecord& out = asks(Action::Kind::fill, {{"keep_free_mb", keep_mb}, {"may_fill_root", 0}});
    out.action.object = "etcd";
    return out;
  }

  bool mounted_ = false;
};

TEST_F(FillTest, is_felt_by_a_write_and_over_when_its_holder_ends) {
  EXPECT_TRUE(can_write());
  {
    const auto struck = fill_disk(fills(), means_);
    ASSERT_TRUE(struck) << struck.error().message();
    EXPECT_THAT(json_string(struck->deed.evidence, "summary"), HasSubstr("ended in ENOSPC"));
    EXPECT_FALSE(can_write()) << "somebody else's write";
    EXPECT_EQ(struck->standing->step(0), INT64_MAX);
    EXPECT_TRUE(std::filesystem::is_empty(db())) << "there is no file to forget";
  }
  EXPECT_TRUE(can_write());
  const auto released = release(held_, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, HasSubstr("nobody holds the file"));
}

TEST_F(FillTest, leaves_what_is_to_be_left) {
  const auto struck = fill_disk(fills(3), means_);
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_TRUE(can_write());
  EXPECT_GE(struck->deed.evidence["written_before_enospc"], 2 << 20);
}

TEST_F(FillTest, that_somebody_still_holds_is_not_undone) {
  const int child = fork();
  if (child == 0) {
    const auto struck = fill_disk(fills(), means_);
    for (;;) {
      pause();
    }
  }

  struct stat info {};

  const Deadline deadline = Deadline::after(std::chrono::seconds(10));
  const std::string fds = fmt::format("/proc/{}/fd", child);
  bool found = false;
  while (!found && !deadline.passed()) {
    std::error_code ignored;
    for (const auto& item : std::filesystem::directory_iterator(fds, ignored)) {
      struct stat target {};

      if (stat(db().c_str(), &target) == 0 && stat(item.path().c_str(), &info) == 0 &&
          info.st_dev == target.st_dev && S_ISREG(info.st_mode)) {
        found = true;
        break;
      }
    }
  }
  ASSERT_TRUE(found);
  const Json held = {{"kind", "filled"},
                     {"boot_id", boot_id()},
                     {"folder", db()},
                     {"device", info.st_dev},
                     {"inode", info.st_ino},
                     {"free_before", 1}};
  const auto released = release(held, means_);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message(), HasSubstr(fmt::format("process {} ", child)));
  EXPECT_TRUE(release(held, means_)) << "gone with its holder";
}

TEST_F(FillTest, is_refused_for_the_root_filesystem) {
  ArmRecord& asked = fills();
  asked.action.object = "logs";

  struct stat root {};

  struct stat logs {};

  if (stat("/", &root) != 0 || stat("/var/log", &logs) != 0 || root.st_dev != logs.st_dev) {
    GTEST_SKIP() << "/var/log is a filesystem of its own here";
  }
  const auto struck = fill_disk(asked, means_);
  ASSERT_FALSE(struck);
  EXPECT_EQ(struck.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(struck.error().message(), HasSubstr("--allow-root-fill"));
  EXPECT_TRUE(held_.is_null());
  const Status armed = check_means(asked, means_);
  ASSERT_FALSE(armed) << "said when it is armed already";
  EXPECT_EQ(armed.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(armed.error().message(), struck.error().message());
  asked.action.amounts["may_fill_root"] = 1;
  EXPECT_TRUE(check_means(asked, means_));
}

TEST_F(FillTest, is_refused_where_only_a_part_is_mounted) {
  std::filesystem::create_directories(folder_ / "proc/self");
  std::string mounts = read_whole("/proc/self/mountinfo").value();
  const std::size_t at = mounts.find(" / " + db() + " ");
  ASSERT_NE(at, std::string::npos);
  mounts.replace(at, 3, " /part ");
  std::ofstream(folder_ / "proc/self/mountinfo") << mounts;
  means_.proc = (folder_ / "proc").string();
  const auto struck = fill_disk(fills(), means_);
  ASSERT_FALSE(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("somebody else has the rest"));
  EXPECT_FALSE(check_means(fills(), means_));
}

TEST_F(FillTest, may_be_armed_for_a_folder_that_rke2_makes_later) {
  record_.data_dir = (folder_ / "not/yet").string();
  EXPECT_TRUE(check_means(fills(), means_));
}

}  // namespace
}  // namespace harness::guard
