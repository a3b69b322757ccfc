#include "harness/guard/unit_watch.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/time.h"

namespace harness::guard {
namespace {

class Units : public testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::temp_directory_path() / ("hookshot-unit-" + std::to_string(getpid()));
  }

  void TearDown() override { std::filesystem::remove(file_); }

  void shows(const std::string& active, std::int64_t changed_us) const {
    std::ofstream(file_) << "ActiveState=" << active << "\nSubState=x\nNRestarts=2\n"
                         << "InvocationID=aa\nStateChangeTimestampMonotonic=" << changed_us << "\n";
  }

  // Polls as the guard does, waiting on what the watch itself waits on.
  static Json next(UnitWatch& watch) {
    Json found;
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (found.is_null() && !deadline.passed()) {
      watch.poll([&](const Json& fact) { found = fact; });
      std::vector<pollfd> watched;
      watch.wait_on(watched);
      ::poll(watched.data(), watched.size(), 1);
    }
    return found;
  }

  std::filesystem::path file_;
};

TEST_F(Units, tells_a_change_with_the_moment_at_which_systemd_made_it) {
  shows("active", 1000);
  UnitWatch watch("rke2-server.service", {"/bin/cat", file_.string()});
  const Json first = next(watch);
  EXPECT_EQ(first["active"], "active");
  EXPECT_EQ(first["n_restarts"], 2);
  EXPECT_EQ(first["initial"], true);
  EXPECT_GT(json_int(first, "mono_us"), 1000) << "what was there already is seen now";
  const Now before = now();
  shows("failed", before.mono_us - 5000);
  watch.news();
  const Json second = next(watch);
  EXPECT_EQ(second["active"], "failed");
  EXPECT_FALSE(second.contains("initial"));
  EXPECT_EQ(second["mono_us"], before.mono_us - 5000);
  EXPECT_LT(json_int(second, "wall_us"), now().wall_us);
}

// If it did wait, the answer would never come: it is written only after all calls have returned.
TEST_F(Units, never_waits_for_the_answer) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
  UnitWatch watch("rke2-server.service", {"/bin/cat", "/dev/fd/" + std::to_string(ends[0])});
  int told = 0;
  for (int i = 0; i < 10; ++i) {
    watch.poll([&](const Json&) { ++told; });
  }
  EXPECT_EQ(told, 0);
  const std::string answer = "ActiveState=active\n";
  ASSERT_EQ(write(ends[1], answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
  close(ends[1]);
  EXPECT_EQ(next(watch)["active"], "active");
  close(ends[0]);
}

TEST_F(Units, says_nothing_when_there_is_no_such_program) {
  UnitWatch watch("rke2-server.service", {"/no/such/program"});
  int told = 0;
  for (int i = 0; i < 3; ++i) {
    watch.poll([&](const Json&) { ++told; });
  }
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace harness::guard
