#include "harness/exec/local_runner.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/exec/fake_runner.h"
#include "harness/exec/unique_fd.h"

namespace harness::exec {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

Command sh(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}};
}

Result<CommandResult> run(const Command& command, std::chrono::nanoseconds limit = seconds(30)) {
  return LocalRunner().run(command, Deadline::after(limit));
}

TEST(LocalRunner, keeps_out_err_and_status_apart) {
  const auto result = run(sh("echo one; echo two >&2; exit 3"));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "one\n");
  EXPECT_EQ(result->err, "two\n");
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->signal, 0);
  EXPECT_FALSE(result->ok());
}

TEST(LocalRunner, reports_the_signal_that_ended_the_command) {
  const auto result = run(sh("kill -SEGV $$"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->signal, SIGSEGV);
  EXPECT_FALSE(result->ok());
}

TEST(LocalRunner, passes_input_and_environment) {
  Command command = sh("cat; printf %s \"$COLOUR\"");
  command.input = std::string(300'000, 'x');
  command.env["COLOUR"] = "two words; $(id)";
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, command.input + "two words; $(id)");
}

TEST(LocalRunner, gives_no_input_when_there_is_none) {
  const auto result = run({.argv = {"cat"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "");
  EXPECT_TRUE(result->ok());
}

TEST(LocalRunner, survives_a_command_that_reads_no_input) {
  const auto result = run({.argv = {"true"}, .env = {}, .input = std::string(1 << 20, 'x')});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->ok());
}

TEST(LocalRunner, hands_hostile_words_over_unchanged) {
  const std::vector<std::string> words = {
      "$(touch /tmp/x)", "; rm -rf /", "a b", "'\"`", "\n", "", "-rf", "\xff\xfe"};
  Command command{.argv = {"printf", "%s|"}};
  std::string expected;
  for (const std::string& word : words) {
    command.argv.push_back(word);
    expected += word + "|";
  }
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, expected);
}

TEST(LocalRunner, caps_what_it_keeps_and_says_so) {
  LocalRunner runner({.output_cap = 1000});
  const auto result =
      runner.run({.argv = {"head", "-c", "500000", "/dev/zero"}}, Deadline::after(seconds(30)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out.size(), 1000u);
  EXPECT_TRUE(result->cut);
  EXPECT_TRUE(result->ok());
}

TEST(LocalRunner, ends_the_whole_process_group_at_the_deadline) {
  const std::string file = testing::TempDir() + "/group-" + std::to_string(::getpid());
  const auto result =
      run(sh("sleep 300 & echo $! >" + file + "; echo so far; wait"), milliseconds(500));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(result.error().message(), HasSubstr("so far"));
  pid_t child = 0;
  std::ifstream(file) >> child;
  std::filesystem::remove(file);
  ASSERT_GT(child, 0);
  // SIGKILL is sent when run() returns; the kernel may need a moment more to carry it out.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  EXPECT_TRUE(!process || ::poll(&ended, 1, 10'000) == 1)
      << "process " << child << " of the group still runs 10 s after the deadline";
}

TEST(LocalRunner, kills_what_ignores_the_request_to_end) {
  LocalRunner runner({.grace = milliseconds(200)});
  const auto result = runner.run(sh("trap '' TERM; while :; do sleep 0.05; done"),
                                 Deadline::after(milliseconds(300)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::timed_out);
}

TEST(LocalRunner, does_not_wait_for_what_a_command_leaves_behind) {
  const auto result = run(sh("sleep 30 & echo done"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "done\n");
}

TEST(LocalRunner, names_a_program_that_is_not_there) {
  const auto result = run({.argv = {"no-such-program-here"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(result.error().message(), HasSubstr("no-such-program-here is not installed"));
  const auto path = run({.argv = {"/no/such/program"}});
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code(), ErrorCode::not_supported);
}

TEST(LocalRunner, refuses_what_no_argv_can_carry) {
  for (const Command& command : {Command{},
                                 Command{.argv = {""}},
                                 Command{.argv = {"echo", std::string("a\0b", 3)}},
                                 Command{.argv = {"echo"}, .env = {{"A=B", "c"}}, .input = {}}}) {
    const auto result = run(command);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::invalid_input);
  }
}

TEST(LocalRunner, runs_from_many_threads_at_once) {
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&good, i] {
      const auto result = run(sh("echo " + std::to_string(i)));
      good += result && result->out == std::to_string(i) + "\n" ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 16);
}

TEST(Describe, quotes_where_a_reader_needs_it) {
  EXPECT_EQ(describe({.argv = {"systemctl", "restart", "rke2-server.service"}}),
            "systemctl restart rke2-server.service");
  EXPECT_EQ(describe({.argv = {"echo", "two words", "", "it's", "a\nb"}}),
            "echo 'two words' '' 'it\\'s' 'a\\x0ab'");
}

TEST(Describe, hides_secrets) {
  EXPECT_THAT(describe({.argv = {"rke2", "--token=K10aa::server:secretword"}}),
              testing::Not(HasSubstr("secretword")));
}

TEST(FakeRunner, answers_by_rule_and_keeps_the_traffic) {
  FakeRunner runner;
  runner.on("ipmitool", CommandResult{.out = "off"});
  runner.on("power on", CommandResult{.exit_status = 1});
  const Command on{.argv = {"ipmitool", "power", "on"}};
  EXPECT_EQ(runner.run(on, Deadline::after(seconds(1)))->exit_status, 1);
  EXPECT_EQ(runner.run({.argv = {"ipmitool"}}, Deadline::after(seconds(1)))->out, "off");
  const auto unknown = runner.run({.argv = {"ls"}}, Deadline::after(seconds(1)));
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("no answer is scripted for: ls"));
  EXPECT_EQ(runner.commands().size(), 3u);
}

}  // namespace
}  // namespace harness::exec
