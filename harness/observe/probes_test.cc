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

}  // namespace
}  // namespace harness::observe
