#include "harness/lab/cgroup.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::lab {
namespace {

using testing::ElementsAre;
using Path = std::filesystem::path;

constexpr const char* kV1 =
    "proc /proc proc rw 0 0\n"
    "tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0\n"
    "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n"
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n";
constexpr const char* kBeside = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0\n";
constexpr const char* kV2 =
    "proc /proc proc rw 0 0\n"
    "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate,memory_recursiveprot 0 0\n"
    "cgroup2 /var/lib/machines/x/sys/fs/cgroup cgroup2 rw 0 0\n";

TEST(Cgroups, of_version_1_are_every_hierarchy) {
  const auto layout = detect_cgroups(kV1, "systemd\n");
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->mode, CgroupMode::v1);
  EXPECT_FALSE(layout->scope);
  EXPECT_THAT(node_cgroups(*layout, "lab", "cp-1"),
              ElementsAre(Path("/sys/fs/cgroup/cpuset/hookshot-lab-cp-1"),
                          Path("/sys/fs/cgroup/cpu,cpuacct/hookshot-lab-cp-1"),
                          Path("/sys/fs/cgroup/systemd/hookshot-lab-cp-1")));
}

TEST(Cgroups, of_both_versions_are_used_side_by_side) {
  const auto layout = detect_cgroups(std::string(kV1) + kBeside, "init\n");
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->mode, CgroupMode::hybrid);
  EXPECT_EQ(layout->hierarchies.size(), 4u);
  EXPECT_EQ(node_cgroups(*layout, "lab", "w-2").back(),
            Path("/sys/fs/cgroup/unified/hookshot-lab-w-2"));
}

TEST(Cgroups, of_version_2_come_from_systemd_where_it_runs_the_host) {
  const auto layout = detect_cgroups(kV2, "systemd\n");
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->mode, CgroupMode::v2);
  EXPECT_TRUE(layout->scope);
  EXPECT_THAT(node_cgroups(*layout, "lab", "cp-1"),
              ElementsAre(Path("/sys/fs/cgroup/system.slice/hookshot-lab-cp-1.scope")));
}

TEST(Cgroups, of_version_2_are_made_by_hand_where_systemd_does_not_run_the_host) {
  const auto layout = detect_cgroups(kV2, "tini\n");
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->mode, CgroupMode::v2);
  EXPECT_FALSE(layout->scope);
  EXPECT_THAT(node_cgroups(*layout, "lab", "cp-1"),
              ElementsAre(Path("/sys/fs/cgroup/hookshot-lab-cp-1")));
}

TEST(Cgroups, take_their_weight_in_the_words_of_either_version) {
  const Path group = Path(testing::TempDir()) / "weighed";
  std::filesystem::create_directories(group);
  const auto read = [&](const char* file) {
    std::ifstream in(group / file);
    std::string text;
    std::getline(in, text);
    return text;
  };
  std::ofstream(group / "cpu.weight") << "7";
  std::ofstream(group / "cpu.shares") << "7";
  ASSERT_TRUE(make_cgroups({group}, cpu_weight(false)));
  EXPECT_EQ(read("cpu.weight"), "100");
  EXPECT_EQ(read("cpu.shares"), "1024");
  ASSERT_TRUE(make_cgroups({group}, cpu_weight(true)));
  EXPECT_EQ(read("cpu.weight"), "500") << "an emulated processor";
  std::filesystem::remove_all(group);
}

TEST(Cgroups, that_are_not_mounted_are_an_error_of_the_machine) {
  const auto layout = detect_cgroups("proc /proc proc rw 0 0\n", "systemd\n");
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(layout.error().message(), testing::HasSubstr("control group"));
}

}  // namespace
}  // namespace harness::lab
