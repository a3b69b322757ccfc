#include "harness/cluster/guard_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/base64.h"

namespace harness::cluster {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const Login kSudo{.node = "cp-1",
                  .user = "rancher",
                  .become_sudo = true,
                  .guard_path = "/var/lib/hookshot/guard"};
const Login kPlain{.node = "cp-1",
                   .user = "rancher",
                   .become_sudo = false,
                   .guard_path = "/var/lib/hookshot/guard"};

Error refusal(const exec::CommandResult& result, const Login& login = kSudo) {
  const auto answer = guard_answer("facts", result, login);
  EXPECT_FALSE(answer);
  return answer ? Error(ErrorCode::internal, "no error") : answer.error();
}

TEST(GuardAnswer, is_the_lines_before_done) {
  const auto answer = guard_answer(
      "facts", {.out = "{\"type\":\"facts\",\"boot_id\":\"b\"}\n\n{\"type\":\"done\"}\n"}, kSudo);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->size(), 1u);
  EXPECT_EQ(answer->at(0)["boot_id"], "b");
}

TEST(GuardAnswer, trusts_the_trailer_and_not_the_exit_status) {
  EXPECT_TRUE(guard_answer("facts", {.exit_status = 255, .out = "{\"type\":\"done\"}"}, kSudo));
  EXPECT_EQ(refusal({.exit_status = 0, .out = "{\"type\":\"facts\"}\n"}).code(),
            ErrorCode::remote_failed);
}

TEST(GuardAnswer, keeps_the_code_that_the_guard_says) {
  const auto code = [](const std::string& said) {
    return refusal({.out = "{\"type\":\"error\",\"code\":\"" + said + "\",\"message\":\"why\"}\n"});
  };
  EXPECT_EQ(code("invalid").code(), ErrorCode::invalid_input);
  EXPECT_EQ(code("refused").code(), ErrorCode::refused);
  EXPECT_EQ(code("unsupported").code(), ErrorCode::not_supported);
  EXPECT_EQ(code("failed").code(), ErrorCode::remote_failed);
  EXPECT_EQ(code("internal").code(), ErrorCode::internal);
  EXPECT_THAT(code("refused").message(), HasSubstr("cp-1: guard facts: why"));
}

TEST(GuardAnswer, says_what_is_wrong_with_sudo) {
  const Error password = refusal({.exit_status = 1, .err = "sudo: a password is required\n"});
  EXPECT_EQ(password.code(), ErrorCode::not_supported);
  EXPECT_THAT(password.message(),
              AllOf(HasSubstr("asks rancher for a password"),
                    HasSubstr("/etc/sudoers.d/hookshot"),
                    HasSubstr("rancher ALL=(root) NOPASSWD")));
  const Error missing =
      refusal({.exit_status = 127, .err = "bash: line 1: sudo: command not found\n"});
  EXPECT_EQ(missing.code(), ErrorCode::not_supported);
  EXPECT_THAT(missing.message(), HasSubstr("there is no sudo on cp-1"));
  const Error forbidden =
      refusal({.exit_status = 1, .err = "rancher is not in the sudoers file.\n"});
  EXPECT_EQ(forbidden.code(), ErrorCode::not_supported);
  EXPECT_THAT(forbidden.message(), HasSubstr("does not let rancher"));
}

TEST(GuardAnswer, takes_a_guard_of_another_machine_for_no_lack_of_sudo) {
  const Error other =
      refusal({.exit_status = 1,
               .err = "sudo: unable to execute /var/lib/hookshot/guard: Exec format error\n"});
  EXPECT_EQ(other.code(), ErrorCode::not_supported);
  EXPECT_THAT(other.message(), HasSubstr("made for another machine than cp-1 is"));
  EXPECT_THAT(other.message(), testing::Not(HasSubstr("sudoers")));
}

TEST(GuardAnswer, says_that_the_guard_is_not_there) {
  const Error gone = refusal(
      {.exit_status = 127, .err = "bash: /var/lib/hookshot/guard: No such file or directory\n"});
  EXPECT_EQ(gone.code(), ErrorCode::remote_failed);
  EXPECT_THAT(gone.message(), HasSubstr("is not there or does not run"));
}

TEST(GuardAnswer, advises_who_is_not_root) {
  const Error denied =
      root_problem("install the guard",
                   {.exit_status = 1, .err = "install: cannot create: Permission denied"},
                   kPlain);
  EXPECT_EQ(denied.code(), ErrorCode::not_supported);
  EXPECT_THAT(denied.message(), HasSubstr("become: sudo"));
}

TEST(GuardAnswer, refuses_what_is_not_json_or_cut) {
  EXPECT_THAT(refusal({.out = "Welcome to cp-1!\n"}).message(), HasSubstr("not JSON: Welcome"));
  EXPECT_THAT(refusal({.out = "x", .cut = true}).message(), HasSubstr("larger than"));
  EXPECT_THAT(refusal({.signal = 9, .err = "oops"}, kPlain).message(),
              AllOf(HasSubstr("signal 9"), HasSubstr("oops")));
}

TEST(GuardAnswer, shows_no_secret_of_a_broken_line) {
  EXPECT_THAT(refusal({.out = "token=hunter2secret oops\n"}).message(),
              testing::Not(HasSubstr("hunter2secret")));
}

TEST(EncodeRecord, refuses_text_that_json_cannot_carry) {
  const auto encoded = encode_record({{"argv", {"echo", "\xff\xfe"}}});
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().code(), ErrorCode::invalid_input);
  EXPECT_EQ(*encode_record({{"a", "\"; rm -rf /\n"}}), "{\"a\":\"\\\"; rm -rf /\\n\"}");
}

TEST(Base64, carries_every_byte_and_length) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(*from_base64(to_base64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(to_base64("hello"), "aGVsbG8=");
  EXPECT_EQ(from_base64("a b").error().code(), ErrorCode::remote_failed);
}

TEST(ExecRecord, speaks_plain_english_unless_told_otherwise) {
  const Json plain = exec_record(
      "lab-a", {.argv = {"df", "/"}, .env = {{"COLOUR", "red"}}}, std::chrono::milliseconds(7));
  EXPECT_EQ(plain["env"], (Json{{"COLOUR", "red"}, {"LC_ALL", "C"}}));
  EXPECT_EQ(plain["argv"], (Json{"df", "/"}));
  EXPECT_EQ(plain["timeout_ms"], 7);
  const Json told = exec_record(
      "lab-a", {.argv = {"df"}, .env = {{"LC_ALL", "de_DE"}}}, std::chrono::milliseconds(7));
  EXPECT_EQ(told["env"]["LC_ALL"], "de_DE");
}

TEST(OldestLook, is_none_at_all_for_verbs_that_hurt_or_undo) {
  for (const char* verb : {"arm", "revert", "heal", "allow", "disallow", "release", "new-verb"}) {
    EXPECT_EQ(oldest_look(verb), std::chrono::milliseconds(0)) << verb;
  }
  EXPECT_EQ(oldest_look("exec"), std::chrono::milliseconds(1000));
  EXPECT_FALSE(oldest_look("status"));
}

}  // namespace
}  // namespace harness::cluster
