#include "harness/guard/beside.h"

#include <gmock/gmock.h>

namespace harness::guard {
namespace {

using testing::HasSubstr;

ArmRecord record(Action::Kind kind, int hold_ms = 0) {
  ArmRecord out;
  out.run = "r";
  out.case_name = "c";
  out.action.kind = kind;
  out.action.hold = std::chrono::milliseconds(hold_ms);
  return out;
}

const ArmRecord kKill = record(Action::Kind::kill);
const ArmRecord kReboot = record(Action::Kind::reboot);
const ArmRecord kFreeze = record(Action::Kind::freeze, 1000);
const ArmRecord kKillService = record(Action::Kind::service);
const ArmRecord kSlow = record(Action::Kind::slow, 30'000);

TEST(Beside, lets_what_is_over_at_once_stand_side_by_side) {
  EXPECT_EQ(stands_in_the_way(kKill, kKill), "");
  EXPECT_EQ(stands_in_the_way(kKill, kReboot), "");
  EXPECT_EQ(stands_in_the_way(kReboot, kKill), "");
  EXPECT_EQ(stands_in_the_way(kKillService, kKill), "");
}

TEST(Beside, never_stacks_harm_on_what_lasts) {
  for (const ArmRecord& other : {kKill, kReboot, kFreeze, kKillService, kSlow}) {
    EXPECT_THAT(stands_in_the_way(kFreeze, other), HasSubstr("stands alone"));
    EXPECT_THAT(stands_in_the_way(other, kFreeze), HasSubstr("stands alone"));
  }
}

TEST(Beside, lets_a_stretch_stand_beside_a_kill_only) {
  EXPECT_EQ(stands_in_the_way(kSlow, kKill), "");
  EXPECT_EQ(stands_in_the_way(kKill, kSlow), "");
  EXPECT_THAT(stands_in_the_way(kSlow, kSlow), HasSubstr("one fault at a time"));
  EXPECT_THAT(stands_in_the_way(kSlow, kReboot), HasSubstr("would end the stretch"));
  EXPECT_THAT(stands_in_the_way(kReboot, kSlow), HasSubstr("would end the stretch"));
  EXPECT_THAT(stands_in_the_way(kReboot, kReboot), HasSubstr("one fault at a time"));
}

TEST(Beside, lets_a_delayed_manifest_stand_beside_a_kill_of_whatever_it_is) {
  const ArmRecord delay = record(Action::Kind::delay, 20'000);
  for (const ArmRecord& kill : {kKill, kKillService, record(Action::Kind::child)}) {
    EXPECT_EQ(stands_in_the_way(delay, kill), "");
    EXPECT_EQ(stands_in_the_way(kill, delay), "");
  }
  EXPECT_THAT(stands_in_the_way(delay, kSlow), HasSubstr("one fault at a time"));
  EXPECT_THAT(stands_in_the_way(delay, delay), HasSubstr("one fault at a time"));
  EXPECT_THAT(stands_in_the_way(delay, kReboot), HasSubstr("end the stretch"));
  EXPECT_THAT(stands_in_the_way(delay, kFreeze), HasSubstr("stands alone"));
}

TEST(Beside, lets_a_frozen_apiserver_stand_beside_a_kill_of_another_pod_only) {
  const auto frozen = [](const char* pod) {
    ArmRecord out = record(Action::Kind::freeze, 20'000);
    out.action.pod = pod;
    return out;
  };
  const auto killed = [](const char* pod) {
    ArmRecord out = kKill;
    out.action.pod = pod;
    return out;
  };
  const ArmRecord stretch = frozen("kube-apiserver");
  for (const char* pod : {"etcd", "kube-controller-manager", "kube-scheduler"}) {
    EXPECT_EQ(stands_in_the_way(stretch, killed(pod)), "") << pod;
    EXPECT_EQ(stands_in_the_way(killed(pod), stretch), "") << pod;
    EXPECT_THAT(stands_in_the_way(frozen(pod), killed("etcd")), HasSubstr("stands alone")) << pod;
  }
  EXPECT_THAT(stands_in_the_way(stretch, killed("kube-apiserver")), HasSubstr("end the stretch"));
  EXPECT_THAT(stands_in_the_way(stretch, kReboot), HasSubstr("end the stretch"));
  EXPECT_THAT(stands_in_the_way(kKillService, stretch), HasSubstr("and nothing else"));
  EXPECT_THAT(stands_in_the_way(stretch, kSlow), HasSubstr("one fault at a time"));
  EXPECT_THAT(stands_in_the_way(stretch, stretch), HasSubstr("one fault at a time"));
}

TEST(Beside, takes_nothing_of_another_case_or_run) {
  ArmRecord other = kKill;
  other.case_name = "d";
  EXPECT_THAT(stands_in_the_way(other, kKill), HasSubstr("another case"));
  other = kKill;
  other.run = "s";
  EXPECT_THAT(stands_in_the_way(other, kKill), HasSubstr("another case"));
}

}  // namespace
}  // namespace harness::guard
