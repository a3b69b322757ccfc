#include "harness/guard/unit_proof.h"

#include <gmock/gmock.h>

#include "harness/guard/systemd_fixture.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UnitProof : public testing::Test, public NodeInFolder {
 protected:
  void SetUp() override {
    fs::create_directories(run());
    std::ofstream(guard_.path) << "a guard";
  }

  std::string run() const { return disk_.places().run; }

  int tries() const {
    int out = 0;
    const std::string asked = tools_.asked();
    for (std::size_t at = 0; (at = asked.find("systemd-run", at)) != std::string::npos; ++at) {
      ++out;
    }
    return out;
  }

  Error refusal() {
    const Status runs = check_units_run(run(), guard_);
    EXPECT_FALSE(runs);
    return runs ? Error(ErrorCode::internal, "it ran") : runs.error();
  }

  GuardFile guard_{.path = (folder_ / "guard").string(), .enforce = (folder_ / "enforce").string()};
};

TEST_F(UnitProof, runs_the_guard_itself_for_a_moment_and_leaves_no_unit) {
  ASSERT_TRUE(check_units_run(run(), guard_));
  const auto command = proof_command("hookshot-proof-7", guard_);
  for (const char* word : {"--wait", "--collect", "--property=RuntimeMaxSec=20s"}) {
    EXPECT_THAT(command, Contains(word));
  }
  EXPECT_EQ(command[command.size() - 2], guard_.path);
  EXPECT_FALSE(known_verb(command.back())) << "it does nothing but to end";
  EXPECT_THAT(systemd_.units(), IsEmpty());
}

TEST_F(UnitProof, is_asked_of_systemd_once_for_the_guard_as_it_is) {
  for (int again = 0; again < 3; ++again) {
    ASSERT_TRUE(check_units_run(run(), guard_));
  }
  EXPECT_EQ(tries(), 1);
  fs::permissions(guard_.path, fs::perms::owner_all);  // no write, as a new label is none
  ASSERT_TRUE(check_units_run(run(), guard_));
  EXPECT_EQ(tries(), 2);
  std::ofstream(guard_.enforce) << "1";
  ASSERT_TRUE(check_units_run(run(), guard_));
  EXPECT_EQ(tries(), 3) << "SELinux was switched on";
  disk_.reboot();
  fs::create_directories(run());
  ASSERT_TRUE(check_units_run(run(), guard_));
  EXPECT_EQ(tries(), 4);
}

TEST_F(UnitProof, makes_no_folder_on_a_node_that_has_none_of_ours) {
  disk_.reboot();
  ASSERT_TRUE(check_units_run(run(), guard_));
  EXPECT_FALSE(fs::exists(run()));
}

TEST_F(UnitProof, says_what_systemd_says_and_how_to_mend_it) {
  systemd_.refuse_to_execute();
  const Error other = refusal();
  EXPECT_EQ(other.code(), ErrorCode::not_supported);
  EXPECT_THAT(other.message(),
              AllOf(HasSubstr("systemd cannot run " + guard_.path),
                    HasSubstr("203/EXEC"),
                    HasSubstr("journalctl -u hookshot-proof-"),
                    Not(HasSubstr("chcon"))));
  std::ofstream(guard_.enforce) << "1";
  EXPECT_THAT(
      refusal().message(),
      AllOf(HasSubstr("`chcon -t bin_t " + guard_.path + "`"), HasSubstr("semanage fcontext")));
  EXPECT_EQ(tries(), 2) << "a failure is not kept";
}

TEST_F(UnitProof, does_not_take_silence_for_a_lack) {
  tools_.answer("systemd-run", "echo 'Failed to connect to bus' >&2; exit 1");
  const Error silent = refusal();
  EXPECT_EQ(silent.code(), ErrorCode::remote_failed);
  EXPECT_THAT(silent.message(), HasSubstr("Failed to connect to bus"));
}

TEST_F(UnitProof, takes_the_guards_own_end_for_one) {
  tools_.answer("systemd-run", "exit 2");
  EXPECT_TRUE(check_units_run(run(), guard_));
}

TEST_F(UnitProof, comes_before_anything_is_armed) {
  systemd_.refuse_to_execute();
  fs::create_directories(disk_.places().units);
  for (const bool next_boot : {false, true}) {
    RecordState state = armed_record("h-1");
    state.record.action = {};
    state.record.trigger.next_boot = next_boot;
    const Said said = said_by([&] { return verb_arm(store_, to_json(state.record)); });
    ASSERT_FALSE(said.status) << "nothing could take it back";
    EXPECT_EQ(said.status.error().code(), ErrorCode::not_supported);
    EXPECT_THAT(said.status.error().message(), HasSubstr("203/EXEC"));
    EXPECT_THAT(said.lines, Each(Not(Contains("armed"))));
    EXPECT_THAT(store_.armed_ids(), IsEmpty());
    EXPECT_FALSE(store_.load("h-1")) << "nor is it among those that are over";
    EXPECT_THAT(systemd_.units(), IsEmpty());
    EXPECT_TRUE(fs::is_empty(disk_.places().units));
  }
}

}  // namespace
}  // namespace harness::guard
