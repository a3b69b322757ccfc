#include "harness/fault/fault.h"

#include <gmock/gmock.h>

namespace harness::fault {
namespace {

using testing::HasSubstr;
using testing::Not;

FaultSpec spec() {
  return {.name = "slow-disk",
          .summary = "Slow one disk down",
          .params = {{.name = "disk",
                      .type = ParamType::choice,
                      .fallback = {},
                      .choices = {"etcd", "root"},
                      .unit = {},
                      .summary = "which"},
                     {.name = "delay",
                      .type = ParamType::duration,
                      .fallback = "100ms",
                      .choices = {},
                      .unit = {},
                      .summary = "by how much"},
                     {.name = "limit",
                      .type = ParamType::integer,
                      .fallback = "4096",
                      .choices = {},
                      .unit = "bytes",
                      .summary = "per second"}},
          .mechanism = "a limit in the kernel",
          .blast_radius = "one disk",
          .rke2_itself = "nothing",
          .survives_reboot = "nothing of it",
          .undo = "the limit is lifted",
          .evidence = "latency seen",
          .notes = {},
          .make = [](const Params&) { return Fault{}; }};
}

std::string refusal(const Params& params) {
  const auto completed = complete(spec(), params);
  EXPECT_FALSE(completed);
  EXPECT_EQ(completed.error().code(), ErrorCode::invalid_input);
  return completed ? "" : completed.error().message();
}

TEST(Params, get_their_defaults) {
  const auto params = complete(spec(), {{"disk", "etcd"}});
  ASSERT_TRUE(params);
  EXPECT_EQ(params->at("delay"), "100ms");
  EXPECT_EQ(params->at("limit"), "4096");
}

TEST(Params, that_are_required_are_asked_for) {
  EXPECT_THAT(refusal({}), HasSubstr("slow-disk needs disk: one of etcd, root"));
}

TEST(Params, of_other_names_are_refused_with_those_there_are) {
  EXPECT_THAT(refusal({{"disk", "etcd"}, {"dellay", "1s"}}),
              HasSubstr("no parameter 'dellay'; it takes disk, delay, limit"));
}

TEST(Params, are_held_to_their_type) {
  EXPECT_THAT(refusal({{"disk", "tmp"}}),
              HasSubstr("disk cannot be 'tmp'; it is one of etcd, root"));
  EXPECT_THAT(refusal({{"disk", "etcd"}, {"delay", "soon"}}), HasSubstr("a duration"));
  EXPECT_THAT(refusal({{"disk", "etcd"}, {"limit", "-1"}}), HasSubstr("a whole number of bytes"));
  EXPECT_THAT(refusal({{"disk", "etcd"}, {"limit", "1e3"}}), HasSubstr("a whole number"));
  EXPECT_THAT(refusal({{"disk", "etcd"}, {"limit", "99999999999999999999"}}),
              HasSubstr("a whole number"));
}

TEST(Params, that_are_hostile_are_refused_and_not_shown_raw) {
  const std::string bell = refusal({{"disk", "etcd\x1b[2J; rm -rf /"}});
  EXPECT_THAT(bell, Not(HasSubstr("\x1b")));
  EXPECT_LT(refusal({{"disk", std::string(100'000, 'x')}}).size(), 300u);
  EXPECT_THAT(refusal({{"disk", "$(reboot)"}}), HasSubstr("cannot be"));
  EXPECT_THAT(refusal({{"disk", "etcd\nroot"}}), HasSubstr("cannot be"));
}

TEST(Params, come_from_words_of_the_command_line) {
  const auto params = parse_params({"pod=etcd", "how=task=x"});
  ASSERT_TRUE(params);
  EXPECT_EQ(params->at("how"), "task=x");
  EXPECT_EQ(parse_params({"pod"}).error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(parse_params({"=etcd"}).error().message(), HasSubstr("name=value"));
  EXPECT_THAT(parse_params({"a=1", "a=2"}).error().message(), HasSubstr("given twice"));
}

TEST(FaultPage, says_what_an_operator_must_know) {
  const std::string page = show(spec());
  for (const char* part : {"slow-disk - Slow one disk down",
                           "one of etcd, root, required",
                           "default 100ms",
                           "Blast radius: one disk",
                           "Mechanism: a limit in the kernel",
                           "RKE2 by itself: nothing",
                           "Survives a reboot: nothing of it",
                           "Undone by: the limit is lifted",
                           "Evidence: latency seen"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(Registry, names_the_faults_there_are_when_one_is_not) {
  const auto fault = make_fault("kill-everything", {});
  ASSERT_FALSE(fault);
  EXPECT_EQ(fault.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(fault.error().message(), HasSubstr("there is no fault 'kill-everything'"));
}

TEST(RegistryDeathTest, does_not_take_two_faults_of_one_name) {
  EXPECT_DEATH(
      {
        const FaultRegistration first(spec());
        const FaultRegistration second(spec());
      },
      "two faults are called slow-disk");
}

}  // namespace
}  // namespace harness::fault
