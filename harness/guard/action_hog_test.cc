// CPU and memory taken away by processes of our own.
#include "harness/guard/action_hog.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/guard/resource_fixture.h"

namespace harness::guard {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

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

}  // namespace
}  // namespace harness::guard
