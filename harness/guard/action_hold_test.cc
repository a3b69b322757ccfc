#include "harness/guard/action_hold.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/guard/action_slow.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::Contains;
using testing::HasSubstr;

const std::string kUnit = "rke2-server.service";

// Real children that stand for the container's processes, and a systemctl that is asked.
class HoldTest : public testing::Test {
 protected:
  Process start_one() { return children_.start_one(); }

  Means means() {
    return {.note =
                [this](const Json& held) {
                  held_ = held;
                  return Status();
                },
            .run = [this](const std::vector<std::string>& argv) -> Result<Finished> {
              std::string line;
              for (const std::string& word : argv) {
                line += (line.empty() ? "" : " ") + word;
              }
              asked_.push_back(line);
              return answer_(line);
            }};
  }

  ArmRecord record(Action::Kind kind, const std::string& how) const {
    ArmRecord made;
    made.unit = kUnit;
    made.action = {.kind = kind, .pod = {}, .how = how};
    return made;
  }

  Children children_;
  Json held_;
  std::vector<std::string> asked_;
  std::function<Result<Finished>(const std::string&)> answer_ = [](const std::string&) {
    return Finished{};
  };
};

TEST_F(HoldTest, freezes_every_process_and_lets_exactly_those_run_again) {
  const Process one = start_one();
  const Process two = start_one();
  const Process other = start_one();
  const auto deed = freeze(
      "etcd",
      [&] {
        return std::vector<Process>{one, two};
      },
      means());
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(state_of(one), 'T');
  EXPECT_EQ(state_of(two), 'T');
  EXPECT_NE(state_of(other), 'T');
  EXPECT_EQ(deed->evidence["processes"][1]["state"], "T");
  EXPECT_EQ(deed->evidence["stretched"], true);
  kill(other.pid, SIGSTOP);
  int status = 0;
  waitpid(other.pid, &status, WUNTRACED);
  const auto released = release(held_, means());
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, HasSubstr("2 of 2 processes of etcd run again"));
  EXPECT_NE(state_of(one), 'T');
  EXPECT_NE(state_of(two), 'T');
  EXPECT_EQ(state_of(other), 'T') << "somebody else stopped it";
  EXPECT_TRUE(release(held_, means())) << "twice does no harm";
}

TEST_F(HoldTest, keeps_what_to_undo_before_it_freezes) {
  const Process one = start_one();
  char at_note = '?';
  Means noting = means();
  noting.note = [&](const Json&) {
    at_note = state_of(one);
    return Status();
  };
  ASSERT_TRUE(freeze(
      "etcd", [&] { return std::vector<Process>{one}; }, noting));
  EXPECT_NE(at_note, 'T');
  noting.note = [](const Json&) { return Status(fail(ErrorCode::remote_failed, "disk full")); };
  const Process two = start_one();
  EXPECT_FALSE(freeze(
      "etcd", [&] { return std::vector<Process>{two}; }, noting));
  EXPECT_NE(state_of(two), 'T') << "harm without a way back";
}

TEST_F(HoldTest, freezes_also_what_was_forked_meanwhile) {
  const Process one = start_one();
  std::vector<Process> there{one};
  bool first = true;
  const auto list = [&] {
    if (!std::exchange(first, false) && there.size() == 1) {
      there.push_back(start_one());
    }
    return there;
  };
  ASSERT_TRUE(freeze("etcd", list, means()));
  EXPECT_EQ(state_of(there.back()), 'T');
  EXPECT_EQ(held_["processes"].size(), 2U);
}

TEST_F(HoldTest, touches_no_process_that_got_the_pid_later) {
  const Process one = start_one();
  const Process earlier{one.pid, one.start_ticks - 1};
  const auto deed = freeze(
      "etcd", [&] { return std::vector<Process>{earlier}; }, means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("no process of etcd"));
  EXPECT_NE(state_of(one), 'T');
}

TEST_F(HoldTest, finds_the_processes_of_a_container_by_their_cgroup) {
  const Process one = start_one();
  const Process other = start_one();
  const auto proc =
      std::filesystem::temp_directory_path() / ("hookshot-hold-" + std::to_string(getpid()));
  for (const auto& [pid, group] : {std::pair(one.pid, "0::/kubepods/pod1/0123abcd\n"),
                                   std::pair(other.pid, "0::/kubepods/pod1/feed4567\n")}) {
    std::filesystem::create_directories(proc / std::to_string(pid));
    std::ofstream(proc / std::to_string(pid) / "cgroup") << group;
  }
  EXPECT_EQ(processes_of("0123abcd", proc.string()), std::vector<Process>{one});
  std::filesystem::remove_all(proc);
}

TEST_F(HoldTest, kills_the_main_process_of_the_service_and_holds_nothing) {
  const Process one = start_one();
  answer_ = [&](const std::string&) { return Finished{.out = std::to_string(one.pid) + "\n"}; };
  const auto deed = strike_service(record(Action::Kind::service, "kill"), means());
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(state_of(one), '-');
  EXPECT_TRUE(held_.is_null());
}

TEST_F(HoldTest, freezes_the_main_process_of_the_service) {
  const Process one = start_one();
  answer_ = [&](const std::string&) { return Finished{.out = std::to_string(one.pid) + "\n"}; };
  ASSERT_TRUE(strike_service(record(Action::Kind::service, "freeze"), means()));
  EXPECT_EQ(state_of(one), 'T');
  ASSERT_TRUE(release(held_, means()));
  EXPECT_NE(state_of(one), 'T');
}

TEST_F(HoldTest, does_nothing_to_a_service_without_a_main_process) {
  answer_ = [](const std::string&) { return Finished{.out = "0\n"}; };
  for (const char* how : {"freeze", "kill", "stop"}) {
    const auto deed = strike_service(record(Action::Kind::service, how), means());
    ASSERT_FALSE(deed);
    EXPECT_THAT(deed.error().message(), HasSubstr("no main process"));
  }
}

TEST_F(HoldTest, stops_the_service_and_starts_it_again) {
  const Process one = start_one();
  std::string state = "active";
  answer_ = [&](const std::string& line) {
    if (line == "systemctl stop " + kUnit) {
      children_.end(one);
      state = "inactive";
    } else if (line == "systemctl start --no-block " + kUnit) {
      state = "activating";
    }
    return Finished{.out = line.find("MainPID") != std::string::npos
                               ? std::to_string(one.pid) + "\n"
                               : state + "\n"};
  };
  const auto deed = strike_service(record(Action::Kind::service, "stop"), means());
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["active_state"], "inactive");
  const auto released = release(held_, means());
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, HasSubstr("activating again"));
  EXPECT_THAT(asked_, Contains("systemctl reset-failed " + kUnit));
}

TEST_F(HoldTest, does_not_count_a_stop_that_left_the_process) {
  const Process one = start_one();
  answer_ = [&](const std::string& line) {
    return Finished{.out = line.find("MainPID") != std::string::npos
                               ? std::to_string(one.pid) + "\n"
                               : "inactive\n"};
  };
  const auto deed = strike_service(record(Action::Kind::service, "stop"), means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("still there"));
}

TEST_F(HoldTest, leaves_a_quota_that_was_there_and_counts_none_without_effect) {
  answer_ = [](const std::string&) { return Finished{.out = "500ms\n"}; };
  EXPECT_FALSE(slow_service(record(Action::Kind::slow, "10"), means()));
  EXPECT_TRUE(held_.is_null());
  answer_ = [](const std::string& line) {
    return Finished{.out = line.find("ControlGroup") != std::string::npos ? "/no/such\n"
                                                                          : "infinity\n"};
  };
  const auto deed = slow_service(record(Action::Kind::slow, "10"), means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("no effect"));
  EXPECT_TRUE(release(held_, means()));
  answer_ = [](const std::string&) { return Finished{.out = "100ms\n"}; };
  const auto left = release(held_, means());
  EXPECT_THAT(asked_, Contains("systemctl set-property --runtime " + kUnit + " CPUQuota="));
  ASSERT_FALSE(left);
  EXPECT_THAT(left.error().message(), HasSubstr("was infinity before"));
}

TEST_F(HoldTest, leaves_a_quota_that_somebody_else_has_set_meanwhile) {
  const TestFolder folder;
  std::filesystem::create_directories(folder / (kUnit + ".d"));
  const std::string drop_in = (folder / (kUnit + ".d/50-CPUQuota.conf")).string();
  const Json held = {{"kind", "slowed"},
                     {"unit", kUnit},
                     {"boot_id", boot_id()},
                     {"quota", "infinity"},
                     {"ours", "10"},
                     {"drop_in", drop_in},
                     {"had_drop_in", false}};
  std::ofstream(drop_in) << "[Service]\nCPUQuota=70%\n";
  answer_ = [](const std::string&) { return Finished{.out = "700ms\n"}; };
  const auto said = release_slowed(held, means(), folder.string());
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_THAT(*said, HasSubstr("set to 700ms by somebody else: left as it is"));
  EXPECT_TRUE(there(drop_in));
  for (const std::string& line : asked_) {
    EXPECT_THAT(line, HasSubstr("systemctl show")) << "nothing was changed";
  }
  std::ofstream(drop_in) << "[Service]\nCPUQuota=10.00%\n";
  ASSERT_TRUE(release_slowed(held, means(), folder.string()))
      << "theirs is elsewhere, and outranks ours";
  EXPECT_FALSE(there(drop_in)) << "ours is taken away nevertheless";
}

TEST_F(HoldTest, takes_its_own_quota_back_with_its_drop_in) {
  const TestFolder folder;
  std::filesystem::create_directories(folder / (kUnit + ".d"));
  const std::string drop_in = (folder / (kUnit + ".d/50-CPUQuota.conf")).string();
  std::ofstream(drop_in) << "[Service]\nCPUQuota=10%\n";
  bool back = false;
  answer_ = [&](const std::string& line) {
    if (line.find("set-property") != std::string::npos) {
      back = true;
      std::ofstream(drop_in) << "[Service]\nCPUQuota=\n";
    }
    return Finished{.out = back ? "infinity\n" : "100ms\n"};
  };
  const auto said = release_slowed({{"kind", "slowed"},
                                    {"unit", kUnit},
                                    {"boot_id", boot_id()},
                                    {"quota", "infinity"},
                                    {"ours", "10"},
                                    {"drop_in", drop_in},
                                    {"had_drop_in", false}},
                                   means(),
                                   folder.string());
  ASSERT_TRUE(said) << said.error().message();
  EXPECT_THAT(*said, HasSubstr("is infinity again"));
  EXPECT_FALSE(there(drop_in));
  EXPECT_THAT(asked_, Contains("systemctl daemon-reload"));
}

TEST_F(HoldTest, has_nothing_to_take_back_after_a_reboot) {
  const auto released =
      release({{"kind", "stopped"}, {"unit", kUnit}, {"boot_id", "another"}}, means());
  ASSERT_TRUE(released);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(HoldTest, asks_for_the_main_process_only_when_the_known_one_is_gone) {
  const Process one = start_one();
  answer_ = [](const std::string&) { return Finished{.out = std::to_string(getpid()) + "\n"}; };
  Means knowing = means();
  knowing.known = Main{kUnit, one};
  EXPECT_EQ(main_process(knowing, kUnit).value(), one);
  EXPECT_TRUE(asked_.empty());
  EXPECT_EQ(main_process(knowing, "rke2-agent.service")->pid, getpid()) << "of another unit";
  children_.end(one);
  EXPECT_EQ(main_process(knowing, kUnit)->pid, getpid());
  EXPECT_EQ(asked_.size(), 2U);
}

// The unit's main process is this test itself, and kubelet a copy of a program that only waits.
class ChildTest : public HoldTest {
 protected:
  void TearDown() override {
    if (kubelet_.pid > 0) {
      kill(kubelet_.pid, SIGKILL);
      waitpid(kubelet_.pid, nullptr, 0);
    }
  }

  void start_kubelet() {
    const std::string program = (folder_ / "kubelet").string();
    std::filesystem::copy_file("/bin/sleep", program);
    const int pid = start({program, "600"}, 0, 1, 2);
    ASSERT_GT(pid, 0);
    kubelet_ = {pid, start_ticks(pid)};
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while (comm_of(pid) != "kubelet" && !deadline.passed()) {
      static_cast<void>(::poll(nullptr, 0, 1));
    }
  }

  Result<Deed> strike(const char* what, const char* how) {
    answer_ = [](const std::string&) { return Finished{.out = std::to_string(getpid()) + "\n"}; };
    ArmRecord made = record(Action::Kind::child, how);
    made.action.object = what;
    return strike_child(made, means());
  }

  TestFolder folder_;
  Process kubelet_;
};

TEST_F(ChildTest, is_found_by_its_program_and_frozen) {
  static_cast<void>(start_one());
  start_kubelet();
  const auto deed = strike("kubelet", "freeze");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(state_of(kubelet_), 'T');
  EXPECT_EQ(deed->evidence["processes"].size(), 1U);
  ASSERT_TRUE(release(held_, means()));
  EXPECT_NE(state_of(kubelet_), 'T');
}

TEST_F(ChildTest, is_killed_and_its_end_read_back) {
  start_kubelet();
  const auto deed = strike("kubelet", "kill");
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(state_of(kubelet_), '-');
  EXPECT_EQ(deed->evidence["pid"], kubelet_.pid);
  EXPECT_TRUE(held_.is_null()) << "there is nothing to take back";
}

TEST_F(ChildTest, that_is_not_there_is_no_hit) {
  start_kubelet();
  const auto deed = strike("containerd", "kill");
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("containerd of rke2-server.service"));
  EXPECT_NE(state_of(kubelet_), '-');
}

}  // namespace
}  // namespace harness::guard
