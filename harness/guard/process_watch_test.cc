#include "harness/guard/process_watch.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/event/marker.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Processes : public testing::Test {
 protected:
  void TearDown() override {
    for (const int pid : children_) {
      end(pid);
    }
  }

  // A real process whose program has this name; it has begun when this returns.
  int run(const std::string& name) {
    const std::string program = (root_ / name).string();
    if (!fs::exists(program)) {
      fs::copy_file("/bin/sleep", program);
    }
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int pid = start({program, "60"}, nothing, nothing, nothing);
    close(nothing);
    close(ends[1]);
    char ignored = 0;
    EXPECT_EQ(read(ends[0], &ignored, 1), 0) << "the pipe ends when the child runs its program";
    close(ends[0]);
    children_.push_back(pid);
    write_cgroup();
    return pid;
  }

  void end(int pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  void write_cgroup() const {
    std::ofstream out(root_ / "cgroup.procs");
    for (const int pid : children_) {
      out << pid << '\n';
    }
  }

  ProcessWatch::Options options() const {
    return {.unit = "rke2-server.service",
            .cgroups = {(root_ / "absent").string(), root_.string()},
            .period = Microseconds(0)};
  }

  static std::vector<Json> facts(ProcessWatch& watch) {
    std::vector<Json> out;
    watch.poll([&](const Json& fact) { out.push_back(fact); });
    return out;
  }

  static std::vector<std::string> poll(ProcessWatch& watch) {
    std::vector<std::string> out;
    for (const Json& fact : facts(watch)) {
      out.push_back((json_bool(fact, "initial") ? "initial " : "") + json_string(fact, "op") + " " +
                    json_string(fact, "name"));
    }
    return out;
  }

  TestFolder root_;
  std::vector<int> children_;
};

TEST_F(Processes, tells_what_runs_what_starts_and_what_ends) {
  run("rke2");
  ProcessWatch watch(options());
  EXPECT_THAT(poll(watch), ElementsAre("initial started rke2"));
  const int kubelet = run("kubelet");
  EXPECT_THAT(poll(watch), ElementsAre("started kubelet"));
  EXPECT_THAT(poll(watch), IsEmpty());
  std::vector<pollfd> watched;
  watch.wait_on(watched);
  ASSERT_EQ(watched.size(), 2U);
  end(kubelet);
  EXPECT_GT(::poll(watched.data(), watched.size(), 0), 0) << "an end wakes whoever waits";
  const auto seen = facts(watch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["pid"], kubelet);
  EXPECT_GT(json_int(seen[0], "start_ticks"), 0);
  EXPECT_TRUE(event::matches(
      event::marker_from_json({{"process", "exited"}, {"name", "kubelet"}}).value(), seen[0]));
  EXPECT_FALSE(event::matches(
      event::marker_from_json({{"process", "exited"}, {"name", "containerd"}}).value(), seen[0]));
}

TEST_F(Processes, takes_the_program_s_name_exactly) {
  run("containerd-shim-runc-v2");
  run("kubelet2");
  ProcessWatch watch(options());
  EXPECT_THAT(poll(watch), IsEmpty());
}

TEST_F(Processes, knows_a_program_whose_file_was_replaced) {
  run("containerd");
  fs::remove(root_ / "containerd");
  ProcessWatch watch(options());
  EXPECT_THAT(poll(watch), ElementsAre("initial started containerd"));
}

TEST_F(Processes, says_once_that_the_kernel_gives_no_pidfd) {
  run("rke2");
  run("kubelet");
  ProcessWatch::Options options = this->options();
  options.open_pidfd = [](int) {
    errno = ENOSYS;
    return -1;
  };
  ProcessWatch watch(options);
  const auto seen = facts(watch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["type"], "process-problem");
  EXPECT_THAT(json_string(seen[0], "line"), HasSubstr("Function not implemented"));
  EXPECT_THAT(facts(watch), IsEmpty());
}

}  // namespace
}  // namespace harness::guard
