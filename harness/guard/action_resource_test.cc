// What takes a resource of the node away: CPU, memory, space, time and a disk's speed.
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/guard/action_clock.h"
#include "harness/guard/action_fill.h"
#include "harness/guard/action_hog.h"
#include "harness/guard/action_throttle.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class ResourceTest : public testing::Test {
 protected:
  ResourceTest() {
    record_.id = "h-1";
    record_.data_dir = folder_.string();
    record_.unit = "rke2-server.service";
    means_ = means_of([this](const Json& held) {
      held_ = held;
      return note_;
    });
    means_.run = [this](const std::vector<std::string>& argv) -> Result<Finished> {
      std::string line;
      for (const std::string& word : argv) {
        line += (line.empty() ? "" : " ") + word;
      }
      asked_.push_back(line);
      return answer_(line);
    };
  }

  ArmRecord& asks(Action::Kind kind, std::map<std::string, std::int64_t> amounts) {
    record_.action = {.kind = kind, .hold = std::chrono::seconds(5), .amounts = std::move(amounts)};
    return record_;
  }

  TestFolder folder_;
  Children children_;
  ArmRecord record_;
  Means means_;
  Json held_;
  Status note_;
  std::vector<std::string> asked_;
  std::function<Result<Finished>(const std::string&)> answer_ = [](const std::string&) {
    return Finished{};
  };
};

// The unit is a process of this test.
class HogTest : public ResourceTest {
 protected:
  void main_is(const Process& process) {
    answer_ = [process](const std::string& line) -> Result<Finished> {
      return Finished{.out = line.find("MainPID") != std::string::npos ? std::to_string(process.pid)
                             : line.find("ActiveState") != std::string::npos ? "inactive\n"
                                                                             : ""};
    };
  }

  Process burning(const std::string& cores = "1") {
    const int pid = fork();
    if (pid == 0) {
      _exit(run_hog("cpu", cores));
    }
    burning_ = {pid, start_ticks(pid)};
    return burning_;
  }

  void TearDown() override {
    if (burning_.pid > 0) {
      kill(burning_.pid, SIGKILL);
      waitpid(burning_.pid, nullptr, 0);
    }
  }

  Process burning_;
};

TEST_F(HogTest, burns_in_a_unit_with_an_end_and_proves_it_by_its_cpu_time) {
  main_is(burning());
  const auto deed = start_hog(asks(Action::Kind::burn, {{"cores", 1}}), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_GE(deed->evidence["cpu_ms"], 50);
  EXPECT_EQ(held_["unit"], "hookshot-hog-h-1.service");
  EXPECT_THAT(asked_[0], StartsWith("systemd-run --quiet --collect --unit=hookshot-hog-h-1 "));
  EXPECT_THAT(asked_[0], HasSubstr("RuntimeMaxSec=20000ms"));
  EXPECT_THAT(asked_[0], HasSubstr("OOMScoreAdjust=1000"));
  EXPECT_THAT(asked_[0], testing::EndsWith("/var/lib/hookshot/guard hog cpu 1"));
  const auto released = release(held_, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(asked_, Contains("systemctl stop hookshot-hog-h-1.service"));
}

TEST_F(HogTest, is_proved_when_all_its_processes_are_there) {
  main_is(burning("2"));
  const auto deed = start_hog(asks(Action::Kind::burn, {{"cores", 2}}), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["processes"], std::min(2L, sysconf(_SC_NPROCESSORS_ONLN)));
}

TEST_F(HogTest, that_ends_at_once_is_no_hit) {
  const Process gone = children_.start_one();
  main_is(gone);
  children_.end(gone);
  EXPECT_FALSE(start_hog(asks(Action::Kind::burn, {{"cores", 1}}), means_));
}

TEST_F(HogTest, is_not_started_when_its_unit_cannot_be_kept) {
  note_ = fail(ErrorCode::remote_failed, "disk full");
  EXPECT_FALSE(start_hog(asks(Action::Kind::burn, {{"cores", 1}}), means_));
  EXPECT_TRUE(asked_.empty());
}

TEST_F(HogTest, takes_memory_only_where_there_is_some_to_take) {
  const auto deed = start_hog(asks(Action::Kind::memory, {{"leave_mb", 1 << 24}}), means_);
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("there is nothing to take"));
  EXPECT_TRUE(held_.is_null());
}

TEST_F(HogTest, proves_what_it_has_taken_and_what_is_left) {
  const Process one = children_.start_one();
  main_is(one);
  const std::filesystem::path proc = folder_ / "proc";
  std::filesystem::create_directories(proc / std::to_string(one.pid));
  const auto available = [&](int kb) {
    std::ofstream(proc / "meminfo") << "MemTotal: 900000 kB\nMemAvailable:   " << kb << " kB\n";
  };
  available(600'000);
  const auto answer = answer_;
  answer_ = [&, answer](const std::string& line) {
    available(400'000);
    return answer(line);
  };
  std::ofstream(proc / std::to_string(one.pid) / "status") << "Name: guard\nVmRSS:\t 204800 kB\n";
  means_.proc = proc.string();
  const auto deed = start_hog(asks(Action::Kind::memory, {{"leave_mb", 326}}), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["taken_mb"], 200);
  EXPECT_EQ(deed->evidence["available_mb"], 390);
}

TEST_F(HogTest, of_somebody_else_is_never_stopped) {
  EXPECT_FALSE(
      release({{"kind", "hog"}, {"boot_id", boot_id()}, {"unit", "sshd.service"}}, means_));
  EXPECT_TRUE(asked_.empty());
}

TEST(Hog, refuses_what_is_no_amount) {
  EXPECT_EQ(run_hog("cpu", "-1"), 2);
  EXPECT_EQ(run_hog("cpu", "1; reboot"), 2);
  EXPECT_EQ(run_hog("disk", "1"), 2);
}

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
  EXPECT_EQ(struck.error().code(), ErrorCode::refused);
  EXPECT_THAT(struck.error().message(), HasSubstr("--allow-root-fill"));
  EXPECT_TRUE(held_.is_null());
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
}

class ClockTest : public ResourceTest {
 protected:
  void SetUp() override {
    answer_ = [this](const std::string& line) -> Result<Finished> {
      if (line.starts_with("systemd-detect-virt")) {
        return Finished{.status = container_ ? 0 : 1, .out = container_ ? "lxc\n" : "none\n"};
      }
      const bool chrony = line.find("chronyd") != std::string::npos;
      return Finished{.out = line.find("ActiveState") == std::string::npos ? ""
                             : chrony                                      ? "active\n"
                                                                           : "inactive\n"};
    };
  }

  Clocks clocks() {
    return {.wall_us = [this] { return wall_; },
            .boot_us = [this] { return boot_; },
            .set =
                [this](std::int64_t to) {
                  wall_ = stuck_ ? wall_ : to;
                  return set_;
                }};
  }

  void pass(std::int64_t us) {
    wall_ += us;
    boot_ += us;
  }

  bool container_ = false;
  bool stuck_ = false;
  std::int64_t wall_ = 1'000'000'000;
  std::int64_t boot_ = 5'000'000;
  Status set_;
};

TEST_F(ClockTest, jumps_and_comes_back_to_what_it_would_have_been) {
  for (const std::int64_t offset : {3'600'000, -3'600'000}) {
    asked_.clear();
    const std::int64_t before = wall_;
    const auto deed =
        jump_clock(asks(Action::Kind::clock, {{"offset_ms", offset}}), means_, clocks());
    ASSERT_TRUE(deed) << deed.error().message();
    EXPECT_EQ(wall_, before + offset * 1000);
    EXPECT_EQ(deed->evidence["moved_ms"], offset);
    EXPECT_THAT(asked_, Contains("systemctl stop chronyd.service"));
    pass(7'000'000);
    const auto released = release_clock(held_, means_, clocks());
    ASSERT_TRUE(released) << released.error().message();
    EXPECT_EQ(wall_, before + 7'000'000);
    EXPECT_THAT(asked_, Contains("systemctl start chronyd.service"));
    EXPECT_TRUE(release_clock(held_, means_, clocks())) << "twice does no harm";
    EXPECT_EQ(wall_, before + 7'000'000);
  }
}

TEST_F(ClockTest, is_left_alone_in_a_container) {
  container_ = true;
  const auto deed = jump_clock(asks(Action::Kind::clock, {{"offset_ms", 5000}}), means_, clocks());
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::not_supported);
  EXPECT_EQ(wall_, 1'000'000'000);
}

TEST_F(ClockTest, that_does_not_move_is_no_hit) {
  stuck_ = true;
  EXPECT_FALSE(jump_clock(asks(Action::Kind::clock, {{"offset_ms", 5000}}), means_, clocks()));
}

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
  EXPECT_THAT(release(held_, means_).value(), HasSubstr("another limit"));
  std::filesystem::remove(limit());
  EXPECT_THAT(release(held_, means_).value(), HasSubstr("the cgroup is gone"));
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
