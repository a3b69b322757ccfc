// A disk of the guard's own on a real node that is filled to the last byte while a fault is armed.

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kState = "/var/lib/hookshot";
constexpr const char* kDisk = "/run/lab-guard";
constexpr const char* kFiller = "/var/lib/hookshot/filler";

class FullDiskOnTheLab : public OnASettledLab {
 protected:
  void TearDown() override {
    OnASettledLab::TearDown();
    for (const char* mount : mounts_) {
      look(node(), {"rm", "-f", kFiller});
      // Lazily: the guard that does it is itself a file there.
      const auto gone = look(node(), {"umount", "--lazy", mount});
      EXPECT_EQ(gone.exit_status, 0) << gone.err;
    }
  }

  static void done(const std::vector<std::string>& argv) {
    const auto said = look(node(), argv);
    ASSERT_EQ(said.exit_status, 0) << testing::PrintToString(argv) << ": " << said.err;
  }

  // There is a guard in its place at every moment.
  void guard_has_a_disk_of_its_own() {
    done({"mkdir", "-p", kDisk});
    done({"mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", kDisk});
    mounts_ = {kDisk};
    done({"cp", "-a", std::string(kState) + "/.", kDisk});
    done({"mount", "--bind", kDisk, kState});
    mounts_ = {kState, kDisk};
  }

  static void guards_disk_is_filled() {
    EXPECT_THAT(look(node(), {"dd", "if=/dev/zero", std::string("of=") + kFiller, "bs=4k"}).err,
                HasSubstr("No space left on device"));
    EXPECT_THAT(
        look(node(),
             {"dd", "if=/dev/zero", std::string("of=") + kState + "/probe", "bs=1", "count=1"})
            .err,
        HasSubstr("No space left on device"));
    look(node(), {"rm", "-f", std::string(kState) + "/probe"});
  }

  std::vector<const char*> mounts_;
};

TEST_F(FullDiskOnTheLab, a_disk_of_the_guard_that_fills_stops_no_undo_and_arms_nothing_more) {
  guard_has_a_disk_of_its_own();
  const std::string main = main_process(node());
  InjectRequest made = request("freeze-service", {{"duration", "4s"}});
  made.arm.trigger.at_word = true;
  const Status armed = arm(node(), made.fault, made.arm, Deadline::after(seconds(30)));
  ASSERT_TRUE(armed) << armed.error().message();
  guards_disk_is_filled();
  const auto told = node().guard(
      "go", {{"cluster", cluster_->name()}, {"id", made.arm.id}}, Deadline::after(seconds(30)));
  ASSERT_TRUE(told) << told.error().message();
  const auto outcome =
      await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(seconds(30)));
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->outcome, "applied") << outcome->reason;
  EXPECT_EQ(state_of(node(), main), 'T');
  const Status undone =
      await_undone(node(), cluster_->name(), made.arm.id, Deadline::after(minutes(1)));
  EXPECT_TRUE(undone) << undone.error().message();
  EXPECT_NE(state_of(node(), main), 'T');
  EXPECT_EQ(reach(node(), kSupervisor), kAnswered);
  const InjectRequest more = request("freeze-service", {{"duration", "4s"}});
  const Status refused = arm(node(), more.fault, more.arm, Deadline::after(seconds(30)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("No space left on device"));
  EXPECT_NE(state_of(node(), main), 'T');
  look(node(), {"rm", kFiller});
  nothing_is_left();
  const auto asked =
      node().guard("status", {{"cluster", cluster_->name()}}, Deadline::after(seconds(30)));
  ASSERT_TRUE(asked) << asked.error().message();
  const auto kept = node().read_file(std::string(kState) + "/done/" + made.arm.id + "/state.json",
                                     Deadline::after(seconds(20)));
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(json_string(Json::parse(*kept), "state"), "VERIFIED") << "what was in memory alone";
}

}  // namespace
}  // namespace harness::fault
