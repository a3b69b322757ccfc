#include "harness/lab/lab.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/eventually.h"
#include "harness/exec/local_runner.h"
#include "harness/inventory/inventory.h"
#include "harness/lab/kubectl.h"
#include "harness/lab/power.h"

namespace harness::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Everything on this machine that carries the lab's name or hangs on its bridge.
std::vector<std::string> traces_of(const std::string& name, const std::string& bridge) {
  std::vector<std::string> found;
  for (const auto& link : fs::directory_iterator("/sys/class/net")) {
    std::error_code problem;
    const fs::path master = fs::read_symlink(link.path() / "master", problem);
    if (link.path().filename() == bridge || master.filename() == bridge) {
      found.push_back("link " + link.path().filename().string());
    }
  }
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find("/" + name + "/") != std::string::npos) {
      found.push_back("mount " + line);
    }
  }
  std::error_code problem;
  for (fs::recursive_directory_iterator at("/sys/fs/cgroup", problem), end; !problem && at != end;
       at.increment(problem)) {
    if (at->path().filename().string().find("-" + name + "-") != std::string::npos) {
      found.push_back("control group " + at->path().string());
    }
    if (at.depth() >= 3) {
      at.disable_recursion_pending();
    }
  }
  for (const auto& process : fs::directory_iterator("/proc", problem)) {
    const std::string pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") == std::string::npos &&
        pid != std::to_string(::getpid()) &&
        read_text(process.path() / "cmdline").find(name) != std::string::npos) {
      found.push_back("process " + pid);
    }
  }
  return found;
}

class BareLab : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "a lab needs root";
    }
    options_.name = "t" + std::to_string(::getpid());
    options_.bare = true;
    options_.inventory = fs::path(testing::TempDir()) / (options_.name + ".yaml");
    options_.progress = [this](std::string_view line) { said_ += std::string(line) + "\n"; };
    auto raised = up(options_);
    if (!raised && raised.error().code() == ErrorCode::not_supported) {
      GTEST_SKIP() << raised.error().message();
    }
    ASSERT_TRUE(raised) << raised.error().message() << "\n" << said_;
    lab_ = *raised;
    ASSERT_EQ(lab_.nodes.size(), 1u);
  }

  void TearDown() override { static_cast<void>(down(options_.name)); }

  Result<exec::CommandResult> on_node(const std::vector<std::string>& words) const {
    auto argv = ssh_command(options_.name, lab_.nodes.front().name, words);
    if (!argv) {
      return fail(argv.error());
    }
    exec::LocalRunner runner;
    return runner.run({*argv}, Deadline::after(seconds(30)));
  }

  Status until_answers(const std::string& other_than, seconds limit = seconds(60)) {
    return eventually(
        "the node after its reboot",
        Deadline::after(limit),
        milliseconds(200),
        [&]() -> Result<Observation> {
          auto now = status(options_.name);
          if (!now) {
            return fail(now.error());
          }
          const NodeState& node = now->nodes.front();
          return Observation{node.answers && node.boot_id != other_than, "boot id " + node.boot_id};
        });
  }

  void kill_supervisor() const {
    std::ifstream file(lab_.folder / "nodes" / lab_.nodes.front().name / "supervisor");
    int supervisor = 0;
    ASSERT_TRUE(file >> supervisor);
    ASSERT_GT(supervisor, 1);
    ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
    const auto gone = eventually(
        "the supervisor is gone", Deadline::after(seconds(10)), milliseconds(10), [this] {
          const auto now = status(options_.name);
          return Result<Observation>(Observation{now && !now->nodes.front().running, "it runs"});
        });
    ASSERT_TRUE(gone) << gone.error().message();
  }

  void expect_nothing_left() {
    EXPECT_THAT(traces_of(options_.name, lab_.bridge), testing::IsEmpty());
    EXPECT_FALSE(fs::exists(lab_.folder)) << lab_.folder;
    EXPECT_FALSE(fs::exists(options_.inventory)) << options_.inventory;
    EXPECT_THAT(names(), testing::Not(testing::Contains(options_.name)));
  }

  UpOptions options_;
  LabState lab_;
  std::string said_;
};

class VmLab : public BareLab {
 protected:
  VmLab() { options_.vm = true; }
};

TEST_F(VmLab, keeps_its_disk_without_power_and_goes_though_its_supervisor_was_killed) {
  EXPECT_TRUE(lab_.nodes.front().vm);
  EXPECT_TRUE(lab_.nodes.front().answers);
  EXPECT_EQ(lab_.nodes.front().unit, "rke2-server.service: active");
  const auto read = inventory::load(lab_.inventory.string());
  ASSERT_TRUE(read) << read.error().message();
  const auto virt = on_node({"systemd-detect-virt"});
  ASSERT_TRUE(virt) << virt.error().message();
  EXPECT_EQ(virt->out, "qemu\n");

  const NodeState before = status(options_.name)->nodes.front();
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"mkdir", "/root/kept"}, {"sync"}}) {
    const auto done = on_node(words);
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_TRUE(done->ok()) << done->err;
  }
  exec::LocalRunner runner;
  ASSERT_TRUE(power_off(options_.name, before.name));
  const Status on = power_on(runner, options_.name, before.name);
  ASSERT_TRUE(on) << on.error().message();
  const Status back = until_answers(before.boot_id, seconds(240));
  ASSERT_TRUE(back) << back.error().message();
  const auto kept = on_node({"ls", "/root"});
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(kept->out, "kept\n") << kept->err;

  kill_supervisor();
  EXPECT_THAT(traces_of(options_.name, lab_.bridge),
              testing::Contains(testing::HasSubstr("process")))
      << "the machine itself runs on";
  const auto gone = down(options_.name);
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_TRUE(*gone);
  expect_nothing_left();
}

TEST_F(BareLab, is_a_machine_that_its_inventory_reaches_and_leaves_nothing_behind) {
  const auto inventory = inventory::load(options_.inventory);
  ASSERT_TRUE(inventory) << inventory.error().message();
  EXPECT_EQ(inventory->cluster, options_.name);
  EXPECT_TRUE(inventory->expendable);
  ASSERT_EQ(inventory->nodes.size(), 1u);
  EXPECT_EQ(inventory->nodes.front().address, lab_.nodes.front().address);

  const auto hostname = on_node({"hostname"});
  ASSERT_TRUE(hostname) << hostname.error().message();
  EXPECT_EQ(hostname->out, lab_.nodes.front().name + "\n") << hostname->err;
  const auto user = on_node({"id", "-u"});
  ASSERT_TRUE(user) << user.error().message();
  EXPECT_EQ(user->out, "0\n") << user->err;

  EXPECT_FALSE(traces_of(options_.name, lab_.bridge).empty());
  const auto second = up(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::refused) << second.error().message();

  const auto ended = down(options_.name);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_TRUE(*ended);
  expect_nothing_left();
  const auto again = down(options_.name);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_FALSE(*again);
}

TEST_F(BareLab, reboots_for_real_and_keeps_its_journal) {
  const auto before = status(options_.name);
  ASSERT_TRUE(before) << before.error().message();
  const std::string first = before->nodes.front().boot_id;
  ASSERT_FALSE(first.empty());

  // The connection may end before the answer does.
  static_cast<void>(on_node({"systemctl", "reboot"}));
  const Status back = until_answers(first);
  ASSERT_TRUE(back) << back.error().message();

  const auto boots = on_node({"journalctl", "--list-boots", "--no-pager", "-q"});
  ASSERT_TRUE(boots) << boots.error().message();
  std::string id = first;
  id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
  EXPECT_NE(boots->out.find(id), std::string::npos) << boots->out << boots->err;
}

TEST_F(BareLab, whose_power_is_cut_ends_in_mid_air_and_comes_back_by_its_inventory) {
  const auto inventory = inventory::load(options_.inventory);
  ASSERT_TRUE(inventory) << inventory.error().message();
  if (!inventory->power) {
    GTEST_SKIP() << "no hookshot is built beside this test: " << HOOKSHOT_BINARY_DIR;
  }
  const std::string node = lab_.nodes.front().name;
  const std::string first = status(options_.name)->nodes.front().boot_id;
  const auto run = [&](std::vector<std::string> words) {
    std::ranges::replace(words, std::string("{name}"), node);
    return exec::LocalRunner().run({.argv = std::move(words)}, Deadline::after(seconds(60)));
  };
  ASSERT_TRUE(on_node({"systemd-run", "--unit=stays", "sleep", "infinity"}));
  const auto off = run(inventory->power->off);
  ASSERT_TRUE(off) << off.error().message();
  EXPECT_EQ(off->out, "off\n") << off->err;
  EXPECT_FALSE(status(options_.name)->nodes.front().running);
  EXPECT_EQ(run(inventory->power->state)->out, "off\n");

  const auto on = run(inventory->power->on);
  ASSERT_TRUE(on) << on.error().message();
  EXPECT_EQ(on->out, "on\n") << on->err;
  const Status back = until_answers(first);
  ASSERT_TRUE(back) << back.error().message();
  std::string id = first;
  std::erase(id, '-');
  const auto end = on_node({"journalctl", "--no-pager", "-q", "-b", id, "-n", "200", "-o", "cat"});
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_THAT(end->out, testing::HasSubstr("stays.service")) << "the journal of that boot is there";
  EXPECT_THAT(end->out, testing::Not(testing::HasSubstr("Reached target shutdown.target")));
  EXPECT_THAT(end->out, testing::Not(testing::HasSubstr("Stopping")));
}

TEST_F(BareLab, is_cleaned_up_after_its_supervisor_was_killed) {
  ASSERT_NO_FATAL_FAILURE(kill_supervisor());
  const auto ended = down(options_.name);
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_TRUE(*ended);
  expect_nothing_left();
}

TEST_F(BareLab, is_raised_anew_over_what_a_crash_left) {
  ASSERT_NO_FATAL_FAILURE(kill_supervisor());
  const auto raised = up(options_);
  ASSERT_TRUE(raised) << raised.error().message() << "\n" << said_;
  EXPECT_TRUE(raised->nodes.front().answers);
  EXPECT_NE(raised->nodes.front().boot_id, lab_.nodes.front().boot_id);
}

TEST_F(BareLab, that_is_interrupted_while_it_comes_up_leaves_nothing) {
  ASSERT_TRUE(down(options_.name));
  std::stop_source interrupt;
  options_.stop = interrupt.get_token();
  options_.progress = [&interrupt](std::string_view line) {
    if (line.find("starting ") != std::string_view::npos) {
      interrupt.request_stop();
    }
  };
  const auto raised = up(options_);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code(), ErrorCode::refused) << raised.error().message();
  EXPECT_THAT(raised.error().message(), testing::HasSubstr("interrupted"));
  expect_nothing_left();
}

TEST_F(BareLab, whose_image_cannot_be_made_says_why_and_leaves_nothing) {
  ASSERT_TRUE(down(options_.name));
  const fs::path recipes = fs::path(testing::TempDir()) / (options_.name + "-recipes");
  fs::create_directories(recipes);
  std::ofstream(recipes / "image") << "#!/bin/sh\necho 'no space left on device' >&2\nexit 1\n";
  fs::permissions(recipes / "image", fs::perms::owner_all);
  ::setenv("HOOKSHOT_LAB_RECIPES", recipes.c_str(), 1);
  const auto raised = up(options_);
  ::unsetenv("HOOKSHOT_LAB_RECIPES");
  fs::remove_all(recipes);
  ASSERT_FALSE(raised);
  EXPECT_THAT(raised.error().message(), testing::HasSubstr("no space left on device"));
  expect_nothing_left();
}

TEST_F(BareLab, comes_up_beside_another_with_addresses_of_its_own) {
  ASSERT_TRUE(down(options_.name));
  UpOptions other = options_;
  other.name = options_.name + "b";
  other.inventory = options_.inventory.string() + "b";
  other.progress = {};
  options_.progress = {};
  auto second = std::async(std::launch::async, [&other] { return up(other); });
  const auto first = up(options_);
  const auto beside = second.get();
  EXPECT_TRUE(first) << first.error().message();
  EXPECT_TRUE(beside) << beside.error().message();
  if (first && beside) {
    EXPECT_NE(first->nodes.front().address, beside->nodes.front().address);
    EXPECT_TRUE(first->nodes.front().answers);
    EXPECT_TRUE(beside->nodes.front().answers);
  }
  EXPECT_TRUE(down(other.name));
  EXPECT_TRUE(down(options_.name));
  expect_nothing_left();
}

class FullLab : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "a lab needs root";
    }
    options_.name = "f" + std::to_string(::getpid());
    options_.inventory = fs::path(testing::TempDir()) / (options_.name + ".yaml");
    options_.progress = [this](std::string_view line) { said_ += std::string(line) + "\n"; };
  }

  void TearDown() override { static_cast<void>(down(options_.name)); }

  // False when this machine cannot hold a lab.
  bool raise() {
    const auto raised = up(options_);
    if (!raised && raised.error().code() == ErrorCode::not_supported) {
      return false;
    }
    EXPECT_TRUE(raised) << raised.error().message() << "\n" << said_;
    return raised.has_value();
  }

  std::string on_server(const std::vector<std::string>& words) const {
    const auto argv = ssh_command(options_.name, "cp-1", words);
    EXPECT_TRUE(argv) << argv.error().message();
    exec::LocalRunner runner;
    const auto result = runner.run({*argv}, Deadline::after(seconds(60)));
    return result ? result->out + result->err : result.error().message();
  }

  // Until the unit is active in another run than `invocation` and all nodes are Ready.
  Status until_ready(const std::string& invocation, const std::string& nodes) const {
    return eventually(
        "the server is back",
        Deadline::after(seconds(240)),
        seconds(1),
        [&]() -> Result<Observation> {
          const std::string unit = on_server(
              {"systemctl", "show", "rke2-server", "-p", "ActiveState", "-p", "InvocationID"});
          const std::string ready = on_server(ask_all_ready());
          const bool active = unit.find("ActiveState=active") != std::string::npos &&
                              unit.find(invocation) == std::string::npos;
          return Observation{active && ready == nodes, unit + ready};
        });
  }

  UpOptions options_;
  std::string said_;
};

TEST_F(FullLab, has_a_ready_worker_and_starts_again_after_killall) {
  options_.agents = 1;
  if (!raise()) {
    GTEST_SKIP() << "this machine cannot hold a lab\n" << said_;
  }
  const std::string before =
      on_server({"systemctl", "show", "rke2-server", "--value", "-p", "InvocationID"});
  on_server({"rke2-killall.sh"});
  EXPECT_EQ(on_server({"pgrep", "-c", "containerd-shim"}), "0\n");
  on_server({"systemctl", "start", "--no-block", "rke2-server"});
  const Status back = until_ready(before.substr(0, before.find('\n')), "True True");
  EXPECT_TRUE(back) << back.error().message();
}

TEST_F(FullLab, of_debian_12_comes_back_after_a_reboot) {
  if (std::getenv("HOOKSHOT_LAB_BOOKWORM") == nullptr) {
    GTEST_SKIP() << "needs the image of Debian 12; set HOOKSHOT_LAB_BOOKWORM to have it made";
  }
  options_.node_os = "bookworm";
  if (!raise()) {
    GTEST_SKIP() << "this machine cannot hold a lab\n" << said_;
  }
  const std::string before =
      on_server({"systemctl", "show", "rke2-server", "--value", "-p", "InvocationID"});
  on_server({"systemctl", "reboot"});
  const Status back = until_ready(before.substr(0, before.find('\n')), "True");
  EXPECT_TRUE(back) << back.error().message();
  const std::string journal = on_server({"journalctl", "-u", "rke2-server", "-b", "-o", "cat"});
  EXPECT_NE(journal.find("etcd temporary data store connection OK"), std::string::npos) << journal;
}

TEST(Lab, that_nobody_raised_has_no_status_and_is_down_already) {
  const auto asked = status("nobody");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), ErrorCode::invalid_input);
  EXPECT_NE(asked.error().message().find("nobody"), std::string::npos) << asked.error().message();
}

TEST(Lab, refuses_names_that_could_not_name_a_bridge) {
  for (const char* name : {"", "UPPER", "with space", "../up", "thirteen-long", "a/b"}) {
    UpOptions options;
    options.name = name;
    options.bare = true;
    const auto raised = up(options);
    ASSERT_FALSE(raised) << name;
    EXPECT_EQ(raised.error().code(), ErrorCode::invalid_input) << raised.error().message();
  }
}

}  // namespace
}  // namespace harness::lab
