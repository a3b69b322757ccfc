#include "harness/observe/probes.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

// Collects events and lets a test wait for the one it wants.
class Collector {
 public:
  Sink sink() {
    return [this](Json event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
      changed_.notify_all();
    };
  }

  // The first event of this probe with this outcome; null when it does not come.
  Json wait(const std::string& probe, const std::string& outcome, std::size_t nth = 1) {
    std::unique_lock lock(mutex_);
    Json found;
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      std::size_t count = 0;
      for (const Json& event : events_) {
        if (event["probe"] == probe && event["outcome"] == outcome && ++count == nth) {
          found = event;
          return true;
        }
      }
      return false;
    });
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> events_;
};

Probes::Options fast() {
  return {.period = std::chrono::milliseconds(2), .timeout = std::chrono::milliseconds(500)};
}

TEST(Probes, ask_each_server_four_things_again_and_again) {
  FakeServer server;
  const Access access("lab", {&server.node});
  Collector seen;
  Probes probes(access, fast(), seen.sink());
  for (const char* probe : {"readyz", "livez", "etcd-health", "etcd-status"}) {
    const Json event = seen.wait(probe, "ok", 2);
    EXPECT_EQ(event["node"], "cp-1") << probe;
    EXPECT_EQ(event["status"], 200) << probe;
    EXPECT_FALSE(event.contains("detail")) << "only a change carries detail";
  }
}

TEST(Probes, carry_the_failing_checks_when_they_change) {
  FakeServer server;
  server.readyz = 500;
  const Access access("lab", {&server.node});
  Collector seen;
  Probes probes(access, fast(), seen.sink());
  EXPECT_THAT(json_string(seen.wait("readyz", "not-ok"), "detail"), HasSubstr("[-]etcd failed"));
}

TEST(Probes, do_not_call_a_member_without_leader_ok) {
  FakeServer server;
  server.leader = "0";
  const Access access("lab", {&server.node});
  Collector seen;
  Probes probes(access, fast(), seen.sink());
  EXPECT_THAT(json_string(seen.wait("etcd-status", "not-ok"), "detail"), HasSubstr("leader 0"));
}

TEST(Probes, say_unreachable_when_the_node_is_lost) {
  FakeServer server;
  server.node.lose_connection("broken pipe");
  const Access access("lab", {&server.node});
  Collector seen;
  Probes probes(access, fast(), seen.sink());
  const Json event = seen.wait("etcd-health", "unreachable");
  EXPECT_EQ(event["status"], 0);
  EXPECT_THAT(json_string(event, "detail"), HasSubstr("broken pipe"));
}

TEST(Probes, never_put_credentials_into_events) {
  FakeServer server;
  const Access access("lab", {&server.node});
  std::mutex mutex;
  std::string all;
  {
    Collector seen;
    Probes probes(access, fast(), [&, inner = seen.sink()](Json event) {
      const std::lock_guard lock(mutex);
      all += event.dump();
      inner(std::move(event));
    });
    seen.wait("readyz", "ok");
    seen.wait("etcd-status", "ok");
  }
  EXPECT_THAT(all, testing::Not(HasSubstr("PEM of")));
}

TEST(Probes, ask_ten_times_a_second_unless_told_otherwise) {
  const Probes::Options options;
  EXPECT_EQ(options.period, std::chrono::milliseconds(100));
  EXPECT_EQ(std::chrono::seconds(1) / options.period, 10);
  EXPECT_LE(options.timeout, std::chrono::seconds(2));
}

TEST(Probes, drop_the_slots_that_passed_and_keep_to_the_grid) {
  using std::chrono::milliseconds;
  const SteadyTime start(std::chrono::hours(1));
  const auto next = [&](milliseconds now) {
    return std::chrono::duration_cast<milliseconds>(
        next_slot(start, start + now, milliseconds(100)) - start);
  };
  EXPECT_EQ(next(milliseconds(0)), milliseconds(100));
  EXPECT_EQ(next(milliseconds(1)), milliseconds(100));
  EXPECT_EQ(next(milliseconds(99)), milliseconds(100));
  EXPECT_EQ(next(milliseconds(100)), milliseconds(200)) << "never twice in one slot";
  EXPECT_EQ(next(milliseconds(730)), milliseconds(800)) << "seven slots are gone for good";
  EXPECT_EQ(next(milliseconds(2'000'050)), milliseconds(2'000'100));
  EXPECT_EQ(next(milliseconds(-30)), milliseconds(100));
}

// Counts can only be lower on a busy machine, so this holds on any.
TEST(Probes, do_not_make_up_for_a_slow_answer_in_a_burst) {
  constexpr auto kPeriod = std::chrono::milliseconds(5);
  constexpr auto kSlow = std::chrono::milliseconds(100);
  FakeServer server;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<SteadyTime> asked;
  bool enough = false;
  server.node.on_http(":6443/livez", [&](const cluster::HttpRequest&) {
    std::unique_lock lock(mutex);
    asked.push_back(std::chrono::steady_clock::now());
    enough = enough || asked.size() == 12;
    changed.notify_all();
    if (asked.size() == 2) {
      changed.wait_for(lock, kSlow, [] { return false; });
    }
    return cluster::HttpResponse{.status = 200, .body = "ok", .latency = Microseconds(5)};
  });
  const Access access("lab", {&server.node});
  const auto begun = std::chrono::steady_clock::now();
  {
    Probes probes(
        access, {.period = kPeriod, .timeout = std::chrono::seconds(2)}, [](const Json&) {});
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return enough; }));
  }
  const auto slots = (asked[11] - begun - kSlow) / kPeriod;
  EXPECT_LE(12, slots + 3) << "slots of the slow answer were made up for";
}

TEST(CanSee, tells_for_each_server_and_probe_what_came_back) {
  FakeServer first("cp-1", "192.0.2.11");
  FakeServer second("cp-2", "192.0.2.12");
  FakeServer third("cp-3", "192.0.2.13");
  FakeServer worker("w-1", "192.0.2.21", false);
  second.node.set_data_dir("/elsewhere");
  third.node.lose_connection();
  first.readyz = 500;
  const Access access("lab", {&first.node, &second.node, &third.node, &worker.node});
  std::vector<std::string> seen;
  for (const ProbeSight& one : can_see(access, Deadline::after(std::chrono::seconds(5)))) {
    seen.push_back(fmt::format(
        "{} {} {}{}", one.node, one.probe, to_string(one.outcome), one.blind() ? " blind" : ""));
    EXPECT_NE(one.detail, "") << seen.back();
  }
  EXPECT_THAT(seen,
              testing::ElementsAre("cp-1 readyz not-ok",
                                   "cp-1 livez ok",
                                   "cp-1 etcd-health ok",
                                   "cp-1 etcd-status ok",
                                   "cp-2 readyz refused blind",
                                   "cp-2 livez refused blind",
                                   "cp-2 etcd-health ok",
                                   "cp-2 etcd-status refused blind",
                                   "cp-3 readyz unreachable blind",
                                   "cp-3 livez unreachable blind",
                                   "cp-3 etcd-health unreachable blind",
                                   "cp-3 etcd-status unreachable blind"));
}

}  // namespace
}  // namespace harness::observe
