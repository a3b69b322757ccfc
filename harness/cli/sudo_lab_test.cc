// A user of a real node who may run exactly this build's guard, and nothing else, as root.

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/exec/local_runner.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

const std::string kHookshot = std::string(HOOKSHOT_BINARY_DIR) + "/harness/cli/hookshot";
constexpr const char* kGuard = "/var/lib/hookshot/guard";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SudoByDigest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "the lab needs root";
    }
    std::filesystem::create_directories(folder_);
    const auto up = hookshot({"lab", "up", "--bare", "--name", name_, "--inventory", inventory()});
    if (up.err.find("not supported") != std::string::npos) {
      GTEST_SKIP() << up.err;
    }
    ASSERT_EQ(up.exit_status, 0) << up.out << up.err;
    make_user();
  }

  void TearDown() override {
    if (geteuid() == 0) {
      EXPECT_EQ(hookshot({"lab", "down", "--name", name_}).exit_status, 0);
      std::filesystem::remove_all(folder_);
    }
  }

  static exec::CommandResult hookshot(std::vector<std::string> words, std::string input = "") {
    words.insert(words.begin(), kHookshot);
    const auto result =
        exec::LocalRunner().run({.argv = std::move(words), .input = std::move(input)},
                                Deadline::after(std::chrono::minutes(5)));
    EXPECT_TRUE(result) << result.error().message();
    return result.value_or(exec::CommandResult{.exit_status = -1});
  }

  // As root, by the lab's own way in.
  exec::CommandResult on_node(std::vector<std::string> words, std::string input = "") const {
    words.insert(words.begin(), {"lab", "ssh", "--name", name_, "cp-1"});
    return hookshot(std::move(words), std::move(input));
  }

  // A sudo that asks for a password is one that refuses.
  exec::CommandResult as_auditor(std::vector<std::string> words) const {
    words.insert(words.begin(), {"runuser", "-u", "auditor", "--", "sudo", "-n"});
    return on_node(std::move(words));
  }

  std::string inventory() const { return (folder_ / "lab.yaml").string(); }

  const std::string name_ = "s" + std::to_string(getpid());
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("hookshot-sudo-" + std::to_string(getpid()));

 private:
  void make_user() {
    ASSERT_EQ(on_node({"useradd", "--create-home", "auditor"}).exit_status, 0);
    ASSERT_EQ(
        on_node({"install", "-d", "-m", "700", "-o", "auditor", "/home/auditor/.ssh"}).exit_status,
        0);
    ASSERT_EQ(on_node({"install",
                       "-m",
                       "600",
                       "-o",
                       "auditor",
                       "/root/.ssh/authorized_keys",
                       "/home/auditor/.ssh/authorized_keys"})
                  .exit_status,
              0);
    std::string text = read(inventory());
    ASSERT_THAT(text, HasSubstr("user: rancher"));
    text.replace(text.find("user: rancher"), 13, "user: auditor");
    std::ofstream(folder_ / "auditor.yaml") << text;
  }
};

TEST_F(SudoByDigest, lets_everything_be_done_by_this_guard_and_nothing_by_another) {
  const std::string theirs = (folder_ / "auditor.yaml").string();
  const auto without = hookshot({"allow", "-i", theirs});
  EXPECT_NE(without.exit_status, 0);
  EXPECT_THAT(without.err, HasSubstr("auditor"));

  const std::string file = (folder_ / "guard").string();
  ASSERT_EQ(hookshot({"guard", "--write", file}).exit_status, 0);
  const auto rule = hookshot({"guard", "--user", "auditor"});
  ASSERT_EQ(rule.exit_status, 0) << rule.err;
  ASSERT_EQ(on_node({"install", "-D", "-m", "0700", "-o", "root", "/dev/stdin", kGuard}, read(file))
                .exit_status,
            0);
  ASSERT_EQ(on_node({"install", "-m", "440", "/dev/stdin", "/etc/sudoers.d/hookshot"}, rule.out)
                .exit_status,
            0);
  const auto checked = on_node({"visudo", "-c"});
  EXPECT_EQ(checked.exit_status, 0) << checked.out << checked.err;

  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"allow", "-i", theirs},
        {"doctor", "-i", theirs},
        {"fault", "inject", "block-dns", "duration=1s", "--node", "cp-1", "-i", theirs},
        {"heal", "-i", theirs}}) {
    const auto done = hookshot(words);
    EXPECT_EQ(done.exit_status, 0) << words.front() << ": " << done.out << done.err;
  }
  EXPECT_NE(as_auditor({"id"}).exit_status, 0);

  ASSERT_EQ(on_node({"tee", "-a", kGuard}, "x").exit_status, 0);
  const auto altered = as_auditor({kGuard, "facts"});
  EXPECT_NE(altered.exit_status, 0);
  EXPECT_THAT(altered.err, HasSubstr("sudo:"));
  const auto refused = hookshot({"heal", "-i", theirs});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.out + refused.err, HasSubstr("install the guard"));
}

}  // namespace
}  // namespace harness::cli
