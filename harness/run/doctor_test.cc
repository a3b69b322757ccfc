#include "harness/run/doctor.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/exec/fake_runner.h"
#include "harness/observe/fake_server.h"

namespace harness::run {
namespace {

using testing::HasSubstr;
using testing::Not;
using Grade = Finding::Grade;

cluster::NodeFacts good() {
  cluster::NodeFacts facts;
  facts.node = "cp-1";
  facts.os = "Debian 12";
  facts.allow = "lab";
  facts.sysrq = true;
  facts.own_clock = true;
  facts.io_limits = true;
  facts.tools = {{"systemctl", true}, {"tc", true}};
  facts.kernel_parts = {{"nf_tables", true}, {"netem", true}, {"fanotify", true}};
  facts.free_kb = {{"/var/lib/hookshot", 9'000'000}, {"/run", 100'000}};
  return facts;
}

Finding only(const cluster::NodeFacts& facts, const DoctorOptions& options = {}) {
  std::vector<Finding> findings = examine(facts, "lab", options);
  std::erase_if(findings, [](const Finding& one) { return one.grade == Grade::good; });
  EXPECT_EQ(findings.size(), 1U) << describe(findings, Grade::good);
  return findings.empty() ? Finding() : findings.front();
}

void expect(const Finding& finding, Grade grade, const char* what, const char* advice) {
  EXPECT_EQ(finding.grade, grade) << finding.seen;
  EXPECT_EQ(finding.node, "cp-1");
  EXPECT_EQ(finding.what, what);
  EXPECT_THAT(finding.advice, HasSubstr(advice));
}

TEST(Doctor, finds_nothing_wrong_with_a_node_that_is_fit) {
  const auto findings = examine(good(), "lab", {});
  EXPECT_FALSE(blocks(findings));
  EXPECT_EQ(describe(findings, Grade::limited), "");
  EXPECT_THAT(describe(findings, Grade::good), HasSubstr("Debian 12"));
  for (const char* can :
       {"clock of its own yes", "io controller  cgroup v2", "sysrq          /proc"}) {
    EXPECT_THAT(describe(findings, Grade::good), HasSubstr(can));
  }
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.advice, "") << finding.what;
  }
}

TEST(Doctor, says_how_to_mark_a_node_and_whose_a_marked_one_is) {
  cluster::NodeFacts facts = good();
  facts.allow = "";
  expect(only(facts), Grade::blocking, "allow marker", "`hookshot allow -i <inventory>`");
  expect(only(facts, {.need_allow = false}), Grade::limited, "allow marker", "hookshot allow");
  facts.allow = "other";
  expect(only(facts), Grade::blocking, "allow marker", "remove /etc/hookshot.allow");
  EXPECT_THAT(only(facts).seen, HasSubstr("marked for cluster 'other', not 'lab'"));
}

TEST(Doctor, sends_a_quarantined_node_to_heal) {
  cluster::NodeFacts facts = good();
  facts.quarantine = true;
  expect(only(facts), Grade::blocking, "quarantine", "`hookshot heal -i <inventory>`");
}

TEST(Doctor, wants_a_clock_that_reports_can_be_read_by) {
  cluster::NodeFacts facts = good();
  facts.clock_offset = -std::chrono::seconds(6);
  expect(only(facts), Grade::limited, "clock", "set the node's clock");
  EXPECT_THAT(only(facts).seen, HasSubstr("-6000 ms from ours"));
  facts.clock_offset = std::chrono::seconds(5);
  EXPECT_EQ(describe(examine(facts, "lab", {}), Grade::limited), "");
}

TEST(Doctor, wants_space_for_the_guard_and_for_an_installation) {
  cluster::NodeFacts facts = good();
  facts.free_kb["/var/lib/hookshot"] = 10'000;
  expect(only(facts), Grade::blocking, "disk", "free some space in /var/lib/hookshot");
  facts.free_kb["/var/lib/hookshot"] = 1'000'000;
  expect(only(facts), Grade::limited, "disk", "about 1.5 GB");
}

TEST(Doctor, blocks_without_systemd_and_only_limits_without_other_tools) {
  cluster::NodeFacts facts = good();
  facts.tools["tc"] = false;
  expect(only(facts), Grade::limited, "tc", "skipped on this node");
  facts = good();
  facts.tools["systemctl"] = false;
  expect(only(facts), Grade::blocking, "systemctl", "undo timers are systemd's");
  facts = good();
  facts.sysrq = false;
  expect(only(facts), Grade::limited, "sysrq", "reboot without sync");
  expect(only(facts), Grade::limited, "sysrq", "`reboot how=panic` is skipped");
  facts = good();
  facts.tools["nft"] = false;
  expect(only(facts), Grade::limited, "nft", "partition, block-dns");
  facts = good();
  facts.tools["ctr"] = false;
  expect(only(facts), Grade::limited, "ctr", "`kill-pod how=task` is skipped");
  facts = good();
  facts.kernel_parts["netem"] = false;
  expect(only(facts), Grade::limited, "netem", "slow-network is skipped");
  facts = good();
  facts.kernel_parts["fanotify"] = false;
  expect(only(facts), Grade::limited, "fanotify", "delay-manifest is skipped");
  facts = good();
  facts.kernel_parts["pidfd"] = false;
  expect(only(facts), Grade::limited, "pidfd", "kill-pod, freeze-pod, slow-disk");
  facts = good();
  facts.kernel_parts["nf_tables"] = false;
  expect(only(facts), Grade::limited, "nf_tables", "partition, block-dns, block-registry");
  facts = good();
  facts.own_clock = false;
  expect(only(facts), Grade::limited, "clock of its own", "clock-jump is skipped");
  facts = good();
  facts.io_limits = false;
  expect(only(facts), Grade::limited, "io controller", "slow-disk is skipped");
  EXPECT_EQ(describe({only(facts)}, Grade::blocking), "") << "it keeps nobody from a run";
}

TEST(Doctor, blocks_where_systemd_cannot_run_the_guard) {
  cluster::NodeFacts facts = good();
  EXPECT_THAT(describe(examine(facts, "lab", {}), Grade::good), Not(HasSubstr("units of ours")))
      << "it was not asked";
  facts.unit_problem = "";
  EXPECT_FALSE(blocks(examine(facts, "lab", {})));
  EXPECT_THAT(describe(examine(facts, "lab", {}), Grade::good),
              HasSubstr("units of ours  systemd runs the guard"));
  facts.unit_problem = "it ended with 203/EXEC; `chcon -t bin_t /var/lib/hookshot/guard`";
  expect(only(facts), Grade::blocking, "units of ours", "nothing can be armed");
  EXPECT_THAT(only(facts).seen, HasSubstr("203/EXEC; `chcon -t bin_t"));
}

TEST(Doctor, goes_on_past_a_node_that_does_not_answer) {
  std::vector<std::unique_ptr<cluster::Node>> nodes;
  auto away = std::make_unique<cluster::FakeNode>("cp-1");
  away->lose_connection();
  auto there = std::make_unique<cluster::FakeNode>("cp-2");
  there->on_guard("facts", {{{"type", "facts"}, {"allow", "lab"}, {"quarantine", true}}});
  nodes.push_back(std::move(away));
  nodes.push_back(std::move(there));
  cluster::Cluster cluster("lab", std::move(nodes));
  const auto findings = examine(cluster, {}, Deadline::after(std::chrono::seconds(20)));
  ASSERT_FALSE(findings.empty());
  expect(findings.front(), Grade::blocking, "connection", "reachable by SSH");
  EXPECT_THAT(findings.front().seen, HasSubstr("connection reset"));
  EXPECT_THAT(describe(findings, Grade::limited), HasSubstr("blocking  cp-2     quarantine"));
  const Json json = to_json(findings);
  EXPECT_EQ(json[0]["grade"], "blocking");
  EXPECT_EQ(json[0]["node"], "cp-1");
}

TEST(Doctor, tries_the_state_of_power_and_nothing_else) {
  inventory::Inventory inventory;
  inventory.nodes = {{.name = "cp-1", .address = "192.0.2.11", .server = true, .ssh = {}},
                     {.name = "cp-2", .address = "192.0.2.12", .server = true, .ssh = {}},
                     {.name = "w-1", .address = "192.0.2.21", .server = false, .ssh = {}}};
  exec::FakeRunner runner;
  const auto limit = Deadline::after(std::chrono::seconds(20));
  EXPECT_TRUE(examine_power(inventory, runner, limit).empty());
  inventory.power = inventory::Power{
      .off = {"bmc", "off"}, .on = {"bmc", "on"}, .state = {"bmc", "state", "{name}"}};
  runner.on("bmc state cp-1", exec::CommandResult{.out = "Chassis Power is on\n"});
  runner.on("bmc state cp-2", exec::CommandResult{.out = "off"});
  runner.on("bmc state w-1", exec::CommandResult{.exit_status = 1, .err = "no route"});
  const auto findings = examine_power(inventory, runner, limit);
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0].grade, Finding::Grade::good);
  EXPECT_EQ(findings[1].grade, Finding::Grade::limited);
  EXPECT_THAT(findings[1].advice, testing::HasSubstr("asks about another machine"));
  EXPECT_EQ(findings[2].grade, Finding::Grade::limited);
  EXPECT_THAT(findings[2].seen, testing::HasSubstr("no route"));
  EXPECT_EQ(runner.commands().size(), 3U);
}

}  // namespace
}  // namespace harness::run
