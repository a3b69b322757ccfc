#include "harness/run/lookout.h"

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/observe/fake_server.h"

namespace harness::run {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class LookoutTest : public testing::Test {
 protected:
  LookoutTest() {
    for (FakeServer* one : {&seen_, &target_}) {
      one->node.on_guard("facts", {{{"type", "facts"}, {"boot_id", "b"}, {"allow", "lab"}}});
    }
    seen_.node.on_guard("facts", [](const Json&) -> Result<std::vector<Json>> {
      return std::vector<Json>{
          {{"type", "facts"}, {"boot_id", "b"}, {"node_wall_us", wall_now_us() + kAhead}}};
    });
    target_.node.on_guard("go", {{{"type", "go"}}});
  }

  static constexpr std::int64_t kAhead = 60'000'000;  // the other node's clock

  std::unique_ptr<Lookout> lookout(aim::Aim aim = {}) {
    return std::make_unique<Lookout>(
        target_.node,
        seen_.node,
        Lookout::Order{.cluster = "lab", .id = "h-1", .window = "w", .aim = aim},
        [this](Json event) {
          const std::lock_guard held(mutex_);
          events_.push_back(std::move(event));
        });
  }

  static Json window(const char* op, const char* invocation = "new", const char* node = "cp-1") {
    return {{"type", "window"},
            {"window", "w"},
            {"node", node},
            {"op", op},
            {"invocation", invocation},
            {"wall_us", wall_now_us() + kAhead}};
  }

  int words() const {
    int out = 0;
    for (const auto& seen : target_.node.traffic()) {
      out += seen.kind == "guard" && seen.text == "go" ? 1 : 0;
    }
    return out;
  }

  Status await_word() {
    return eventually("the word is given", soon(), std::chrono::milliseconds(1), [this] {
      return Result<Observation>(Observation{.done = words() > 0, .seen = "none"});
    });
  }

  std::vector<Json> events(const char* type) {
    const std::lock_guard held(mutex_);
    std::vector<Json> out;
    for (const Json& event : events_) {
      if (event["type"] == type) {
        out.push_back(event);
      }
    }
    return out;
  }

  FakeServer seen_{"cp-1", "192.0.2.11"};
  FakeServer target_{"w-1", "192.0.2.21", false};
  std::mutex mutex_;
  std::vector<Json> events_;
};

TEST_F(LookoutTest, gives_the_word_once_the_other_node_is_in_its_window) {
  const auto one = lookout();
  ASSERT_TRUE(one->begin(soon()));
  EXPECT_EQ(words(), 0);
  one->saw(window("opened"));
  ASSERT_TRUE(await_word());
  one->saw(window("closed"));
  one->saw(window("opened"));
  EXPECT_EQ(one->finish(), "");
  EXPECT_EQ(words(), 1) << "once";
  const auto told = events("go");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["while"], "cp-1");
  EXPECT_GE(told[0]["answered_us"], told[0]["said_us"]);
  EXPECT_EQ(events("node.facts").size(), 4U) << "both clocks before and after";
}

TEST_F(LookoutTest, goes_by_no_window_of_the_invocation_that_ran_while_arming) {
  const auto one = lookout();
  one->saw(window("opened"));
  ASSERT_TRUE(one->begin(soon()));
  one->saw(window("opened", seen_.invocation.c_str()));
  one->saw(window("opened", "new", "cp-2"));
  Json other = window("opened");
  other["window"] = "another";
  one->saw(other);
  EXPECT_THAT(one->finish(), HasSubstr("cp-1 was never seen in w"));
  EXPECT_EQ(words(), 0);
}

TEST_F(LookoutTest, gives_no_word_after_the_window_has_closed) {
  const auto one = lookout({.distance = std::chrono::minutes(5)});
  ASSERT_TRUE(one->begin(soon()));
  one->saw(window("opened"));
  one->saw(window("closed"));
  EXPECT_THAT(one->finish(), HasSubstr("w of cp-1 closed after "));
  EXPECT_EQ(words(), 0);
}

TEST_F(LookoutTest, counts_the_offset_from_the_marker_and_not_from_its_news) {
  const auto one = lookout({.distance = std::chrono::minutes(5)});
  ASSERT_TRUE(one->begin(soon()));
  Json old = window("opened");
  old["wall_us"] = wall_now_us() + kAhead - 300'000'000;
  one->saw(old);
  EXPECT_TRUE(await_word());
  EXPECT_EQ(one->finish(), "");
}

TEST_F(LookoutTest, waits_for_the_closing_when_it_aims_behind_it) {
  const auto one = lookout({.where = aim::Aim::Where::after});
  ASSERT_TRUE(one->begin(soon()));
  one->saw(window("opened"));
  Json cut = window("closed");
  cut["cut"] = true;
  one->saw(cut);
  EXPECT_EQ(words(), 0) << "the process ended, not the window";
  one->saw(window("closed"));
  EXPECT_TRUE(await_word());
  EXPECT_EQ(one->finish(), "");
}

TEST_F(LookoutTest, says_when_the_step_was_over_first) {
  const auto one = lookout({.distance = std::chrono::minutes(5)});
  ASSERT_TRUE(one->begin(soon()));
  one->saw(window("opened"));
  EXPECT_EQ(one->finish(), "the step was over before the word was due");
  EXPECT_EQ(words(), 0);
}

TEST_F(LookoutTest, leaves_a_word_whose_answer_was_lost_to_the_nodes_record) {
  target_.node.on_guard("go", [](const Json&) -> Result<std::vector<Json>> {
    return fail(ErrorCode::unreachable, "reset");
  });
  const auto one = lookout();
  ASSERT_TRUE(one->begin(soon()));
  one->saw(window("opened"));
  ASSERT_TRUE(await_word());
  EXPECT_EQ(one->finish(), "");
  EXPECT_EQ(events("go").at(0)["error"], "reset");
}

}  // namespace
}  // namespace harness::run
