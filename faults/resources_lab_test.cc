// Resources of a real node that are taken away: felt while it lasts, there again afterwards.

#include <cstdlib>
#include <sstream>

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

class ResourcesOnTheLab : public OnASettledLab {
 protected:
  static std::string hog_of(const Standing& standing) {
    std::string pid = property(node(), "hookshot-hog-" + standing.id + ".service", "MainPID");
    EXPECT_GT(std::atoi(pid.c_str()), 1);
    return pid;
  }
};

TEST_F(ResourcesOnTheLab, burnt_cpu_is_seen_and_its_unit_gone_afterwards) {
  const Standing standing = lasts("burn-cpu", {{"cores", "1"}});
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("process burn CPU"));
  const std::string hog = hog_of(standing);
  const auto seconds_used = [&] {
    int sum = 0;
    std::istringstream lines(look(node(), {"ps", "-o", "cputimes=", "-p", hog, "--ppid", hog}).out);
    for (int one = 0; lines >> one;) {
      sum += one;
    }
    return sum;
  };
  const int before = seconds_used();
  becomes("CPU is used", true, [&] { return seconds_used() > before; });
  is_taken_back(standing);
  EXPECT_EQ(state_of(node(), hog), '-');
  EXPECT_THAT(on_node({"systemctl", "list-units", "--all", "--plain", "--no-legend", "hookshot-*"}),
              testing::Not(HasSubstr("hookshot-hog")));
}

TEST_F(ResourcesOnTheLab, memory_is_taken_down_to_what_is_left_and_given_back) {
  const auto available_mb = [] {
    const std::string text = on_node({"cat", "/proc/meminfo"});
    const std::size_t at = text.find("MemAvailable:");
    return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + 13) / 1024;
  };
  const long long before = available_mb();
  ASSERT_GT(before, 2000);
  // The memory is the host's: some of it is enough.
  const Standing standing = lasts("memory-pressure", {{"leave", std::to_string(before - 800)}});
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("MB of memory taken"));
  const std::string hog = hog_of(standing);
  const long long held = std::atoll(look(node(), {"ps", "-o", "rss=", "-p", hog}).out.c_str());
  EXPECT_GT(held / 1024, 100) << "others on this host may have taken or given some meanwhile";
  is_taken_back(standing);
  EXPECT_EQ(state_of(node(), hog), '-');
}

TEST_F(ResourcesOnTheLab, a_disk_that_is_its_hosts_is_not_filled) {
  const InjectRequest made = request("fill-disk", {{"what", "etcd"}, {"duration", "3s"}});
  const Status refused = arm(node(), made.fault, made.arm, Deadline::after(minutes(1)));
  ASSERT_FALSE(refused) << "the lab's disk is its host's";
  EXPECT_EQ(refused.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(refused.error().message(), HasSubstr("--allow-root-fill"));
}

// A filesystem of its own each time, over the one that others have open.
TEST_F(ResourcesOnTheLab, a_full_disk_is_felt_wherever_it_is_and_over_with_its_holder) {
  const std::vector<std::pair<const char*, std::string>> all = {
      {"etcd", node().data_dir() + "/server/db"},
      {"images", node().data_dir() + "/agent/containerd"},
      {"logs", "/var/log"}};
  for (const auto& [what, folder] : all) {
    SCOPED_TRACE(what);
    const std::vector<std::string> write = {
        "dd", "if=/dev/zero", "of=" + folder + "/probe", "bs=64k", "count=1"};
    ASSERT_EQ(on_node({"mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder}), "");
    EXPECT_EQ(look(node(), write).exit_status, 0);
    on_node({"rm", folder + "/probe"});
    const Standing standing = lasts("fill-disk", {{"what", what}});
    EXPECT_THAT(look(node(), write).err, HasSubstr("No space left on device"))
        << standing.outcome.evidence;
    is_taken_back(standing);
    EXPECT_EQ(look(node(), write).exit_status, 0);
    // Lazily: a container that began anew meanwhile has its log open there.
    EXPECT_EQ(on_node({"umount", "-l", folder}), "");
  }
}

TEST_F(ResourcesOnTheLab, what_a_container_cannot_do_is_said) {
  for (const auto& [name, params, why] :
       {std::tuple<const char*, Params, const char*>{"clock-jump", {}, "container"},
        {"slow-disk", {{"pod", "etcd"}}, "cgroup v2"}}) {
    const Standing standing = stands(name, params);
    EXPECT_EQ(standing.outcome.outcome, "unsupported") << name;
    EXPECT_THAT(standing.outcome.reason, HasSubstr(why)) << name;
    is_taken_back(standing);
  }
}

}  // namespace
}  // namespace harness::fault
