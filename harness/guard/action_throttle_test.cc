// The speed of a disk taken away.
#include "harness/guard/action_throttle.h"

#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "harness/guard/resource_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

// A cgroup's folder whose io.max is a plain file: a line written to it is what it says.
class ThrottleTest : public ResourceTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "server/db");
    std::filesystem::create_directories(folder_ / "cgroup/kubepods/etcd");
    std::filesystem::create_directories(folder_ / "proc/77");
    std::ofstream(folder_ / "proc/77/cgroup") << "0::/kubepods/etcd\n";
    std::ofstream(limit()) << "";

    struct stat info {};

    ASSERT_EQ(stat((folder_ / "server/db").c_str(), &info), 0);
    const std::string name = fmt::format("{}:{}", major(info.st_dev), minor(info.st_dev));
    on_a_disk_ = major(info.st_dev) != 0;
    std::filesystem::create_directories(folder_ / "disks/sdz/sdz1");
    std::ofstream(folder_ / "disks/sdz/dev") << "8:48\n";
    std::ofstream(folder_ / "disks/sdz/sdz1/partition") << "1\n";
    std::filesystem::create_directories(folder_ / "block");
    std::filesystem::create_symlink(folder_ / "disks/sdz/sdz1", folder_ / "block" / name);
    means_.proc = (folder_ / "proc").string();
    record_ = asks(Action::Kind::throttle, {{"iops", 20}});
    record_.action.pod = "etcd";
    target_.pod = "etcd";
    target_.pid = 77;
  }

  Result<Deed> throttle() {
    return throttle_disk(
        record_, target_, means_, (folder_ / "cgroup").string(), (folder_ / "block").string());
  }

  std::string limit() const { return (folder_ / "cgroup/kubepods/etcd/io.max").string(); }

  Container target_;
  bool on_a_disk_ = false;
};

TEST_F(ThrottleTest, limits_the_whole_disk_and_reads_it_back) {
  if (!on_a_disk_) {
    EXPECT_EQ(throttle().error().code(), ErrorCode::not_supported);
    GTEST_SKIP() << "the folder for temporary files is on no disk of its own here";
  }
  const auto deed = throttle();
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(read_whole(limit()).value(), "8:48 rbps=max wbps=max riops=20 wiops=20");
  EXPECT_EQ(deed->evidence["stretched"], true);
  std::ofstream(limit()) << "8:48 rbps=max wbps=max riops=9 wiops=9\n";
  EXPECT_FALSE(release(held_, means_)) << "it is not below /sys/fs/cgroup";
  const auto released = [this] {
    return release_throttled(held_, means_, write_once, (folder_ / "cgroup").string()).value_or("");
  };
  EXPECT_THAT(released(), HasSubstr("another limit"));
  std::filesystem::remove(limit());
  EXPECT_THAT(released(), HasSubstr("the cgroup is gone"));
}

TEST_F(ThrottleTest, leaves_a_limit_of_somebody_else_alone) {
  std::ofstream(limit()) << "8:48 rbps=max wbps=max riops=5 wiops=max\n";
  EXPECT_EQ(throttle().error().code(), ErrorCode::not_supported);
  EXPECT_TRUE(held_.is_null());
}

TEST_F(ThrottleTest, needs_the_io_controller_and_a_disk) {
  std::ofstream(folder_ / "proc/77/cgroup") << "4:blkio:/kubepods/etcd\n";
  const auto deed = throttle();
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(whole_disk(0, 44, "/sys/dev/block").error().code(), ErrorCode::not_supported);
}

}  // namespace
}  // namespace harness::guard
