#include "harness/fault/inject.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using observe::FakeServer;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

class Inject : public testing::Test {
 protected:
  Inject() {
    request.fault.name = "kill-pod";
    request.fault.action = {{"do", "kill"}, {"pod", "etcd"}, {"how", "task"}};
    request.fault.needs.etcd_voters = 1;
    request.arm.id = "r1-t1";
    request.arm.run = "r1";
    request.arm.cluster = "lab";
    request.expendable = true;
    server.node.on_guard("heartbeat", std::vector<Json>{});
    server.node.on_guard("arm", {{{"type", "armed"}, {"id", "r1-t1"}}});
    server.node.on_guard("status",
                         {{{"type", "record"},
                           {"id", "r1-t1"},
                           {"state", "APPLIED"},
                           {"evidence", {{"summary", "task killed"}}}}});
    server.node.on_guard(
        "heal", {{{"type", "healed"}, {"id", "r1-t1"}, {"state", "VERIFIED"}, {"summary", "ok"}}});
  }

  bool asked(const std::string& verb) const {
    for (const auto& seen : server.node.traffic()) {
      if (seen.kind == "guard" && seen.text == verb) {
        return true;
      }
    }
    return false;
  }

  FakeServer server;
  observe::Access access{"lab", {&server.node}};
  InjectRequest request;
};

TEST_F(Inject, arms_awaits_and_heals) {
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_TRUE(injected) << injected.error().message();
  ASSERT_TRUE(injected->outcome);
  EXPECT_EQ(injected->outcome->evidence, "task killed");
  EXPECT_TRUE(injected->healed.clean());
  EXPECT_TRUE(asked("heartbeat"));
}

TEST_F(Inject, tells_each_step_as_it_is_reached) {
  std::vector<std::string> steps;
  request.tell = [&](Step step) { steps.emplace_back(to_string(step)); };
  ASSERT_TRUE(inject(access, server.node, request, {}, soon()));
  EXPECT_THAT(steps, testing::ElementsAre("begun", "checked", "armed", "outcome known", "healed"));

  request.fault.action = {{"do", "freeze"}, {"pod", "etcd"}, {"hold_ms", 1000}};
  int looks = 0;
  server.node.on_guard("status", [&](const Json&) -> Result<std::vector<Json>> {
    return std::vector<Json>{{{"type", "record"},
                              {"id", "r1-t1"},
                              {"state", ++looks == 1 ? "APPLIED" : "VERIFIED"},
                              {"evidence", {{"summary", "task frozen"}}}}};
  });
  steps.clear();
  const auto lasting = inject(access, server.node, request, {}, soon());
  ASSERT_TRUE(lasting);
  ASSERT_TRUE(lasting->outcome) << lasting->outcome.error().message();
  EXPECT_THAT(
      steps,
      testing::ElementsAre("begun", "checked", "armed", "outcome known", "taken back", "healed"));

  request.expendable = false;
  steps.clear();
  ASSERT_FALSE(inject(access, server.node, request, {}, soon()));
  EXPECT_THAT(steps, testing::ElementsAre("begun"));
}

TEST_F(Inject, is_given_the_time_that_its_fault_takes) {
  const auto at_once = time_for(request.fault);
  EXPECT_GE(at_once, std::chrono::minutes(5));
  request.fault.action = {{"do", "freeze"}, {"pod", "etcd"}, {"hold_ms", 600'000}};
  EXPECT_EQ(time_for(request.fault), at_once + std::chrono::minutes(10))
      << "ten minutes, the longest that a fault lasts, and all around it";
}

TEST_F(Inject, does_not_touch_a_cluster_that_is_not_expendable) {
  request.expendable = false;
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code(), ErrorCode::refused);
  EXPECT_THAT(injected.error().message(), HasSubstr("not marked `expendable: true`"));
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST_F(Inject, does_not_arm_beyond_the_budget) {
  request.budget.servers_down = 0;
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code(), ErrorCode::refused);
  EXPECT_FALSE(asked("arm"));
}

TEST_F(Inject, does_not_arm_on_a_node_of_another_cluster) {
  server.node.on_guard("facts", {{{"type", "facts"}, {"boot_id", "b"}, {"allow", "lab-b"}}});
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code(), ErrorCode::refused);
  EXPECT_THAT(injected.error().message(), HasSubstr("marked for cluster lab-b"));
  EXPECT_FALSE(asked("arm"));
}

TEST_F(Inject, heals_whatever_went_wrong_after_arming) {
  server.node.on_guard("status", {{{"type", "record"}, {"id", "r1-t1"}, {"state", "APPLIED"}}});
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_TRUE(injected);
  ASSERT_FALSE(injected->outcome);
  EXPECT_EQ(injected->outcome.error().code(), ErrorCode::internal);
  EXPECT_TRUE(asked("heal"));
  EXPECT_TRUE(injected->healed.clean());
}

TEST_F(Inject, heals_when_arming_was_cut_off) {
  server.node.on_guard("arm", [](const Json&) -> Result<std::vector<Json>> {
    return fail(ErrorCode::unreachable, "cp-1: connection reset");
  });
  const auto injected = inject(access, server.node, request, {}, soon());
  ASSERT_TRUE(injected);
  EXPECT_EQ(injected->outcome.error().code(), ErrorCode::unreachable);
  EXPECT_TRUE(asked("heal"));
}

}  // namespace
}  // namespace harness::fault
