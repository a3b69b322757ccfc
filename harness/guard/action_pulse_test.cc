#include "harness/guard/action_pulse.h"

#include <csignal>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

class PulseTest : public testing::Test {
 protected:
  Process start_one() { return children_.start_one(); }

  // A signal is carried out when its process next runs.
  static bool comes_to(const Process& process, bool stopped) {
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    while ((state_of(process) == 'T') != stopped) {
      if (deadline.passed()) {
        return false;
      }
      static_cast<void>(::poll(nullptr, 0, 1));
    }
    return true;
  }

  Pulses pulses(int percent) {
    Means means = means_of([this](const Json& held) {
      held_ = held;
      return notes_ ? Status() : Status(fail(ErrorCode::remote_failed, "disk full"));
    });
    return {"rke2-server.service", [this] { return there_; }, percent, std::move(means)};
  }

  Children children_;
  std::vector<Process> there_;
  Json held_;
  bool notes_ = true;
};

TEST_F(PulseTest, prove_that_it_stops_and_that_it_runs_again) {
  there_ = {start_one()};
  const auto deed = pulses(10).begin();
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["stretched"], true);
  EXPECT_EQ(deed->evidence["processes"][0]["state"], "T");
  EXPECT_THAT(deed->evidence["summary"].get<std::string>(), HasSubstr("run 10 % of the time"));
  EXPECT_TRUE(comes_to(there_[0], false));
  EXPECT_EQ(held_["kind"], "frozen") << "the undo is a freeze's";
}

TEST_F(PulseTest, let_it_run_its_share_of_each_pulse) {
  there_ = {start_one()};
  Pulses made = pulses(20);
  const auto deed = made.begin();
  ASSERT_TRUE(deed);
  const std::int64_t start = deed->effect.mono_us + kPulseUs;
  EXPECT_EQ(made.step(start - 1), start) << "not yet due";
  EXPECT_EQ(made.step(start), start + 80'000);
  EXPECT_TRUE(comes_to(there_[0], true));
  EXPECT_EQ(made.step(start + 80'000), start + 100'000);
  EXPECT_TRUE(comes_to(there_[0], false));
  EXPECT_EQ(made.step(start + 100'000), start + 180'000);
  EXPECT_TRUE(comes_to(there_[0], true));
  EXPECT_TRUE(release(held_, means_of()));
  EXPECT_TRUE(comes_to(there_[0], false));
}

TEST_F(PulseTest, take_in_what_is_started_later_but_only_with_a_way_back) {
  const Process first = start_one();
  const Process second = start_one();
  there_ = {first};
  Pulses made = pulses(10);
  const auto deed = made.begin();
  ASSERT_TRUE(deed);
  there_ = {first, second};
  notes_ = false;
  const std::int64_t on = made.step(deed->effect.mono_us + kPulseUs);
  EXPECT_TRUE(comes_to(first, true));
  EXPECT_NE(state_of(second), 'T') << "harm without a way back";
  notes_ = true;
  const std::int64_t again = made.step(on);
  made.step(again);
  EXPECT_TRUE(comes_to(second, true));
  EXPECT_EQ(held_["processes"].size(), 2U);
  EXPECT_TRUE(release(held_, means_of()));
  EXPECT_TRUE(comes_to(first, false));
  EXPECT_TRUE(comes_to(second, false));
}

TEST_F(PulseTest, find_a_process_and_its_children_and_no_others) {
  const Process child = start_one();
  const Process self{getpid(), start_ticks(getpid())};
  const auto found = with_children(self, "/proc");
  EXPECT_THAT(found, testing::UnorderedElementsAre(self, child));
  EXPECT_THAT(with_children({child.pid, child.start_ticks + 1}, "/proc"), testing::IsEmpty());
}

}  // namespace
}  // namespace harness::guard
