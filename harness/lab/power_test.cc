#include "harness/lab/power.h"

#include <csignal>
#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/fake_runner.h"
#include "harness/lab/state.h"

namespace harness::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LabPower : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("power-" + std::to_string(::getpid()));
    ::setenv("XDG_STATE_HOME", folder_.c_str(), 1);
    record_.name = "lab";
    record_.phase = "up";
    record_.plan = plan_addresses("lab", 9, 1, 0).value();
    record_.cgroups = {folder_ / "cpu/hookshot-lab-cp-1", folder_ / "cpu/hookshot-lab-cp-10"};
    fs::create_directories(record_.cgroups[0] / "kubepods");
    fs::create_directories(node_folder("lab", "cp-1"));
    ASSERT_TRUE(write_record(record_));
  }

  void TearDown() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::unsetenv("XDG_STATE_HOME");
    fs::remove_all(folder_);
  }

  // Ends on SIGTERM, as the supervisor of a node does.
  void supervisor() {
    child_ = ::fork();
    if (child_ == 0) {
      for (;;) {
        ::pause();
      }
    }
    const std::string stat = read_file(fmt::format("/proc/{}/stat", child_));
    ASSERT_TRUE(write_file(node_folder("lab", "cp-1") / "supervisor",
                           fmt::format("{} {}\n", child_, start_time_in(stat))));
  }

  // Makes no control group of this machine's.
  Status on() { return power_on(runner_, "lab", "cp-1", layout_); }

  fs::path folder_;
  Record record_;
  CgroupLayout layout_{.mode = CgroupMode::v2, .scope = true};
  exec::FakeRunner runner_;
  pid_t child_ = 0;
};

TEST_F(LabPower, is_on_while_the_supervisor_runs_and_off_when_nothing_is_left) {
  EXPECT_FALSE(power_state("lab", "cp-1").value());
  supervisor();
  EXPECT_TRUE(power_state("lab", "cp-1").value());
  EXPECT_TRUE(on()) << "on already is fine";
  EXPECT_TRUE(runner_.commands().empty());
  const Status off = power_off("lab", "cp-1");
  ASSERT_TRUE(off) << off.error().message();
  EXPECT_FALSE(power_state("lab", "cp-1").value());
  EXPECT_TRUE(power_off("lab", "cp-1")) << "off already is fine";
}

TEST_F(LabPower, comes_on_by_a_new_supervisor_and_not_by_the_old_ones_word) {
  const fs::path word = node_folder("lab", "cp-1") / "supervisor";
  ASSERT_TRUE(write_file(word, "999999999 1\n"));
  bool stale = true;
  runner_.on("node", [&](const exec::Command&) -> Result<exec::CommandResult> {
    stale = fs::exists(word);
    exec::CommandResult refused;
    refused.err = "no namespaces here\n";
    return refused;
  });
  ASSERT_FALSE(on());
  EXPECT_FALSE(stale);
}

TEST_F(LabPower, names_the_lab_or_node_that_is_not_there) {
  EXPECT_THAT(power_state("lab", "cp-9").error().message(),
              HasSubstr("lab lab has no node 'cp-9'"));
  EXPECT_EQ(power_off("no-lab", "cp-1").error().code(), ErrorCode::invalid_input);
}

}  // namespace
}  // namespace harness::lab
