// The trigger of a fault that lasts hangs on a real node: its systemd takes the fault back.

#include <gmock/gmock.h>

#include "faults/lab_fixture.h"

namespace harness::fault {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

TEST_F(OnTheLab, a_fault_whose_trigger_hangs_is_taken_back_within_half_a_minute_of_its_time) {
  constexpr seconds kHold{5};
  allow();
  const Heartbeat heartbeat({&node()}, cluster_->name(), seconds(1));
  InjectRequest made = request("freeze-service", {{"duration", "5s"}});
  made.arm.ttl = std::chrono::minutes(10);  // its own timer is too late
  const Standing frozen = stands(std::move(made));
  ASSERT_EQ(frozen.outcome.outcome, "applied");
  const Deadline at_the_latest = Deadline::after(kHold + seconds(30));
  const std::string unit = "hookshot-trig-" + frozen.id + ".service";
  EXPECT_EQ(on_node({"systemctl", "kill", "--signal=STOP", unit}), "");
  const Status undone = await_undone(node(), cluster_->name(), frozen.id, at_the_latest);
  EXPECT_TRUE(undone) << undone.error().message();
  EXPECT_THAT(on_node({"journalctl", "--no-pager", "--output=cat", "--unit=" + unit}),
              HasSubstr("Watchdog timeout"))
      << "it did hang";
  nothing_is_left();
  settle();
}

}  // namespace
}  // namespace harness::fault
