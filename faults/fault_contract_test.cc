// What every fault promises, held against every fault that is registered.

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "harness/fault/injection.h"
#include "harness/guard/protocol.h"
#include "harness/observe/fake_server.h"

namespace harness::fault {
namespace {

using observe::FakeServer;
using testing::HasSubstr;
using testing::Not;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

// Parameters that a spec accepts: its defaults, and the first choice where there is none.
Params sample(const FaultSpec& spec) {
  Params params;
  for (const ParamSpec& param : spec.params) {
    if (param.fallback.empty()) {
      params.emplace(param.name, param.choices.empty() ? "1" : std::string(param.choices.front()));
    }
  }
  return params;
}

ArmRequest request() {
  ArmRequest made;
  made.id = "contract";
  made.run = "run";
  made.case_name = "contract";
  made.cluster = "lab";
  made.addresses = {"192.0.2.12", "2001:db8::12"};
  return made;
}

// A guard that keeps one record, as the real one would.
struct FakeGuard {
  FakeGuard() {
    server.node.on_guard("arm", [this](const Json& record) -> Result<std::vector<Json>> {
      auto valid = guard::arm_record_from_json(record);
      if (!valid) {
        return fail(std::move(valid).error());
      }
      armed = true;
      return std::vector<Json>{{{"type", "armed"}, {"id", record["id"]}, {"state", "ARMED"}}};
    });
    server.node.on_guard("status", [this](const Json&) {
      Json record{{"type", "record"}, {"id", "contract"}, {"state", "APPLIED"}};
      if (evidence) {
        record["evidence"] = {{"summary", "seen"}};
      }
      return std::vector<Json>{record};
    });
    server.node.on_guard("heal", [this](const Json&) {
      std::vector<Json> healed;
      if (armed) {
        healed.push_back(
            {{"type", "healed"}, {"id", "contract"}, {"state", "VERIFIED"}, {"summary", "undone"}});
      }
      armed = false;
      return healed;
    });
  }

  FakeServer server;
  bool armed = false;
  bool evidence = true;
};

class EveryFault : public testing::TestWithParam<std::string> {
 protected:
  const FaultSpec& spec() const { return registry().at(GetParam()); }

  Fault fault() const { return make_fault(spec().name, sample(spec())).value(); }
};

TEST_P(EveryFault, says_all_about_itself) {
  EXPECT_FALSE(spec().summary.empty());
  EXPECT_FALSE(spec().mechanism.empty());
  EXPECT_FALSE(spec().blast_radius.empty());
  EXPECT_FALSE(spec().rke2_itself.empty());
  EXPECT_FALSE(spec().survives_reboot.empty());
  EXPECT_FALSE(spec().undo.empty());
  EXPECT_FALSE(spec().evidence.empty());
  for (const ParamSpec& param : spec().params) {
    EXPECT_FALSE(param.summary.empty()) << param.name;
    EXPECT_EQ(param.type == fault::ParamType::choice, !param.choices.empty()) << param.name;
  }
  const std::string page = show(spec());
  EXPECT_THAT(page, HasSubstr(std::string(spec().name) + " - "));
  EXPECT_THAT(page, HasSubstr("Mechanism: " + std::string(spec().mechanism)));
  EXPECT_THAT(page, HasSubstr("RKE2 by itself: " + std::string(spec().rke2_itself)));
  EXPECT_THAT(page, HasSubstr("Survives a reboot: " + std::string(spec().survives_reboot)));
  EXPECT_EQ(spec().stretches, page.find("stretched") != std::string::npos)
      << "what stretches says so, and nothing else";
}

TEST_P(EveryFault, refuses_an_unknown_parameter) {
  Params params = sample(spec());
  params.emplace("no-such-parameter", "1");
  const auto made = make_fault(spec().name, params);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(made.error().message(), HasSubstr("no-such-parameter"));
}

TEST_P(EveryFault, refuses_hostile_parameters) {
  for (const ParamSpec& param : spec().params) {
    for (const char* value : {"",
                              "; reboot",
                              "$(reboot)",
                              "`reboot`",
                              "etcd\nreboot",
                              "../../etc",
                              "-rf",
                              "etcd reboot",
                              "\x1b[2J",
                              "ETCD",
                              "%n"}) {
      Params params = sample(spec());
      params.insert_or_assign(std::string(param.name), value);
      const auto made = make_fault(spec().name, params);
      ASSERT_FALSE(made) << param.name << "=" << value;
      EXPECT_EQ(made.error().code(), ErrorCode::invalid_input);
      EXPECT_THAT(made.error().message(), Not(HasSubstr("\x1b")));
    }
  }
}

TEST_P(EveryFault, makes_a_record_that_the_guard_takes_for_every_choice) {
  for (const ParamSpec& param : spec().params) {
    for (const std::string_view choice : param.choices) {
      Params params = sample(spec());
      params.insert_or_assign(std::string(param.name), std::string(choice));
      FakeGuard guard;
      const auto made = make_fault(spec().name, params);
      ASSERT_TRUE(made) << made.error().message();
      const Status armed = arm(guard.server.node, *made, request(), soon());
      EXPECT_TRUE(armed) << armed.error().message();
    }
  }
  FakeGuard guard;
  EXPECT_TRUE(arm(guard.server.node, fault(), request(), soon()));
}

TEST_P(EveryFault, takes_the_ends_of_each_range_and_nothing_beyond) {
  for (const ParamSpec& param : spec().params) {
    if (param.most == 0) {
      continue;
    }
    const std::string unit = param.type == fault::ParamType::duration ? "ms" : "";
    for (const std::int64_t value : {param.least, param.most}) {
      Params params = sample(spec());
      params.insert_or_assign(std::string(param.name), std::to_string(value) + unit);
      FakeGuard guard;
      const auto made = make_fault(spec().name, params);
      ASSERT_TRUE(made) << made.error().message();
      const Status armed = arm(guard.server.node, *made, request(), soon());
      EXPECT_TRUE(armed) << armed.error().message();
    }
    Params params = sample(spec());
    params.insert_or_assign(std::string(param.name), std::to_string(param.most + 1) + unit);
    EXPECT_FALSE(make_fault(spec().name, params)) << param.name;
  }
}

TEST_P(EveryFault, can_be_undone_twice) {
  FakeGuard guard;
  ASSERT_TRUE(arm(guard.server.node, fault(), request(), soon()));
  const HealReport first = heal({&guard.server.node}, "lab", "", {}, soon());
  const HealReport second = heal({&guard.server.node}, "lab", "", {}, soon());
  EXPECT_TRUE(first.clean());
  EXPECT_EQ(first.records.size(), 1u);
  EXPECT_TRUE(second.clean());
  EXPECT_TRUE(second.records.empty());
}

TEST_P(EveryFault, can_be_undone_before_it_was_ever_armed) {
  FakeGuard guard;
  const HealReport report = heal({&guard.server.node}, "lab", "", {}, soon());
  EXPECT_TRUE(report.clean());
}

TEST_P(EveryFault, is_an_error_and_no_pass_without_evidence) {
  FakeGuard guard;
  guard.evidence = false;
  ASSERT_TRUE(arm(guard.server.node, fault(), request(), soon()));
  const auto outcome = await(guard.server.node, "lab", "contract", {}, soon());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::internal);
}

TEST_P(EveryFault, fails_with_a_code_when_the_transport_is_dead_at_any_step) {
  FakeGuard guard;
  const observe::Access access("lab", {&guard.server.node});
  guard.server.node.lose_connection();
  guard.server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route"));
  EXPECT_EQ(check_allowed(guard.server.node, "lab", soon()).error().code(), ErrorCode::unreachable);
  const Status budget = check_budget(access, guard.server.node, fault(), {}, soon());
  EXPECT_EQ(budget.has_value(), fault().needs.harmless || fault().needs.servers_down == 0);
  EXPECT_EQ(arm(guard.server.node, fault(), request(), soon()).error().code(),
            ErrorCode::unreachable);
  EXPECT_EQ(
      await(
          guard.server.node, "lab", "contract", {}, Deadline::after(std::chrono::milliseconds(20)))
          .error()
          .code(),
      ErrorCode::timed_out);
  EXPECT_FALSE(
      heal({&guard.server.node}, "lab", "", {}, Deadline::after(std::chrono::milliseconds(20)))
          .clean());
}

TEST(Budget, is_asked_about_whatever_is_done_to_the_whole_node) {
  for (const auto& [name, params] :
       {std::pair<const char*, Params>{"fill-disk", {{"what", "etcd"}}},
        {"fill-disk", {{"what", "images"}}},
        {"fill-disk", {{"what", "logs"}}},
        {"burn-cpu", {}},
        {"memory-pressure", {}},
        {"clock-jump", {}},
        {"slow-network", {}},
        {"reboot", {}}}) {
    const auto fault = make_fault(name, params);
    ASSERT_TRUE(fault) << fault.error().message();
    EXPECT_EQ(fault->needs.etcd_voters, 1) << fault->describe();
    EXPECT_EQ(fault->needs.servers_down, 1) << fault->describe();
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, spec] : registry()) {
    all.emplace_back(name);
  }
  return all;
}

std::string identifier(const testing::TestParamInfo<std::string>& fault) {
  std::string name = fault.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Faults, EveryFault, testing::ValuesIn(names()), identifier);

TEST(Catalogue, has_one_row_for_each_fault_and_no_other) {
  std::ifstream file(std::string(HOOKSHOT_SOURCE_DIR) + "/faults/README.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(catalogue_markdown()))
      << "paste what `hookshot fault list --markdown` prints into faults/README.md:\n"
      << catalogue_markdown();
}

TEST(Catalogue, lacks_none_of_its_faults) {
  for (const char* name : {"block-dns",        "block-registry",
                           "burn-cpu",         "clock-jump",
                           "delay-manifest",   "expire-certificate",
                           "fill-disk",        "freeze-containerd",
                           "freeze-kubelet",   "freeze-pod",
                           "freeze-service",   "kill-containerd",
                           "kill-kubelet",     "kill-pod",
                           "kill-service",     "memory-pressure",
                           "move-manifest",    "none",
                           "partition",        "reboot",
                           "rewrite-manifest", "slow-disk",
                           "slow-network",     "slow-service",
                           "stop-service"}) {
    EXPECT_EQ(registry().count(name), 1u) << name;
  }
}

}  // namespace
}  // namespace harness::fault
