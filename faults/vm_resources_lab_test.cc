// Control groups of version 2 and a disk by the device mapper, of a kernel of the node's own.

#include <sstream>

#include "faults/look.h"
#include "faults/vm_fixture.h"

namespace harness::fault {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string metrics(cluster::Node& node) {
  const auto answer = node.http({.port = 2381, .path = "/metrics", .tls = false},
                                Deadline::after(std::chrono::minutes(1)));
  EXPECT_TRUE(answer) << answer.error().message();
  return answer ? answer->body : std::string();
}

TEST_F(OnTheMachine, etcds_disk_by_the_device_mapper_is_slow_and_is_not_any_more) {
  const std::string tls = node().data_dir() + "/server/tls/etcd/";
  const auto seconds_a_write = [&] {
    const auto at = [](const std::string& text, const std::string& what) {
      return number_after(text, "\netcd_disk_wal_fsync_duration_seconds_" + what + " ");
    };
    const std::string before = metrics(node());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(on_node({"etcdctl",
                         "--cacert=" + tls + "server-ca.crt",
                         "--cert=" + tls + "client.crt",
                         "--key=" + tls + "client.key",
                         "--command-timeout=100s",
                         "put",
                         "a",
                         "b"}),
                "OK\n");
    }
    const std::string after = metrics(node());
    EXPECT_GE(at(after, "count"), at(before, "count") + 3);
    return (at(after, "sum") - at(before, "sum")) / (at(after, "count") - at(before, "count"));
  };
  const std::string pid = process("etcd");
  ASSERT_EQ(in_group(pid, "io.max"), "");
  const double before = seconds_a_write();
  const Standing standing = lasts("slow-disk", {{"pod", "etcd"}, {"iops", "2"}});
  const std::string disk =
      json_string(standing.outcome.record.value("evidence", Json::object()), "disk");
  EXPECT_THAT(disk, testing::StartsWith("253:")) << standing.outcome.evidence;
  EXPECT_EQ(in_group(pid, "io.max"), disk + " rbps=max wbps=max riops=2 wiops=2\n");
  const double slow = seconds_a_write();
  is_healed();
  EXPECT_EQ(in_group(pid, "io.max"), "");
  const double after = seconds_a_write();
  std::cerr << "a write's sync: " << before << " s, " << slow << " s, " << after << " s\n";
  EXPECT_GE(slow, 0.35);
  EXPECT_LT(before, slow / 2);
  EXPECT_LT(after, slow / 2);
  EXPECT_EQ(process("etcd"), pid) << "it lived through it";
}

// As etcd begins anew it is in another control group, which nobody limits.
TEST_F(OnTheMachine, an_etcd_that_restarts_under_a_slow_disk_has_its_own_again) {
  const std::string before = process("etcd");
  lasts("slow-disk", {{"pod", "etcd"}, {"iops", "50"}});
  EXPECT_THAT(in_group(before, "io.max"), HasSubstr("riops=50 wiops=50"));
  EXPECT_EQ(on_node({"kill", "-KILL", before}), "");
  const std::string now = another(
      "etcd", before, [&] { return process("etcd"); }, kPatience);
  ASSERT_NE(now, "");
  etcd_is_healthy();
  EXPECT_EQ(in_group(now, "io.max"), "");
  is_healed();
  EXPECT_EQ(in_group(now, "io.max"), "");
  EXPECT_EQ(process("etcd"), now);
}

TEST_F(OnTheMachine, a_service_is_slow_by_the_quota_of_its_control_group) {
  const std::string main = main_process();
  const std::string before = in_group(main, "cpu.max");
  const Standing standing = lasts("slow-service", {{"percent", "10"}});
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("was infinity"));
  const std::string quota = in_group(main, "cpu.max");
  const double share = std::atof(quota.c_str()) / number_after(quota, " ");
  EXPECT_NEAR(share, 0.1, 0.001) << quota;
  is_healed();
  EXPECT_THAT(in_group(main, "cpu.max"), testing::AnyOf(before, HasSubstr("max 100000"), ""));
  EXPECT_EQ(main_process(), main);
}

TEST_F(OnTheMachine, memory_goes_down_to_what_is_left_and_etcd_lives) {
  const std::string pid = process("etcd");
  const auto available = [] {
    return number_after(on_node({"cat", "/proc/meminfo"}), "MemAvailable:") / 1024;
  };
  const double before = available();
  ASSERT_GT(before, 400);
  const Standing standing = lasts("memory-pressure", {{"leave", "200"}});
  EXPECT_LT(available(), 300) << standing.outcome.evidence;
  EXPECT_GT(number_after(on_node({"cat",
                                  "/sys/fs/cgroup/system.slice/hookshot-hog-" + standing.id +
                                      ".service/memory.current"}),
                         ""),
            100e6);
  is_healed();
  EXPECT_GT(available(), before - 100);
  EXPECT_EQ(process("etcd"), pid);
}

TEST_F(OnTheMachine, cpu_is_burnt_on_every_core_and_there_again) {
  // Microseconds that somebody waited for a processor while one process worked, of each that
  // passed.
  const auto waited = [] {
    const std::string look =
        "cut -d. -f1 /proc/uptime; sed -n 's/^some.*total=/waited /p' /proc/pressure/cpu; ";
    const std::string work = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; ";
    std::istringstream said(on_node({"sh", "-c", look + work + look}));
    double began = 0;
    double ended = 0;
    double before = 0;
    double after = 0;
    std::string word;
    said >> began >> word >> before >> ended >> word >> after;
    EXPECT_GT(ended, began) << said.str();
    return (after - before) / ((ended - began) * 1e6);
  };
  const double alone = waited();
  const Standing standing = lasts("burn-cpu", {{"cores", "0"}});
  const std::string group = "/sys/fs/cgroup/system.slice/hookshot-hog-" + standing.id + ".service/";
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("2 processes"));
  const auto used = [&] {
    return number_after(on_node({"cat", group + "cpu.stat"}), "usage_usec ");
  };
  const double first = used();
  ASSERT_GT(first, 0);
  EXPECT_GT(used(), first);
  const double beside = waited();
  EXPECT_GT(beside, 0.5) << "the work shared its processor, " << alone << " before";
  EXPECT_GT(beside, alone + 0.2);
  is_healed();
  EXPECT_LT(waited(), beside - 0.2);
  EXPECT_EQ(used(), -1) << "its control group is gone";
}

// A file system of etcd's own, which the lab's containers have not.
TEST_F(OnTheMachine, etcds_own_file_system_is_full_and_has_its_room_again) {
  const std::string db = node().data_dir() + "/server/db";
  const std::vector<std::string> write = {
      "dd", "if=/dev/zero", "of=" + db + "/probe", "bs=64k", "count=64", "conv=fsync"};
  const auto room = [&] {
    return number_after(on_node({"df", "--output=avail", "-k", db}), "Avail");
  };
  const double before = room();
  lasts("fill-disk", {{"what", "etcd"}});
  const auto full = node().run({.argv = write}, Deadline::after(std::chrono::minutes(1)));
  ASSERT_TRUE(full) << full.error().message();
  EXPECT_THAT(full->err, HasSubstr("No space left on device"));
  on_node({"rm", "-f", db + "/probe"});
  is_healed();
  EXPECT_GT(room(), before - 1024);
  const auto fits = node().run({.argv = write}, Deadline::after(std::chrono::minutes(1)));
  ASSERT_TRUE(fits) << fits.error().message();
  EXPECT_EQ(fits->exit_status, 0) << fits->err;
  on_node({"rm", "-f", db + "/probe"});
  etcd_is_healthy();
}

}  // namespace
}  // namespace harness::fault
