// Network, clock and reboots of a kernel of the node's own.

#include <cmath>

#include "faults/vm_fixture.h"
#include "harness/cluster/facts.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

std::string qdiscs(cluster::Node& node) {
  const auto done = node.run({.argv = {"tc", "qdisc", "show"}}, Deadline::after(minutes(1)));
  return done ? done->out : done.error().message();
}

cluster::NodeFacts facts_of(cluster::Node& node, const std::string& cluster) {
  const auto facts = cluster::ask_facts(node, cluster, Deadline::after(minutes(1)));
  EXPECT_TRUE(facts) << facts.error().message();
  return facts ? *facts : cluster::NodeFacts();
}

double seconds_off(cluster::Node& node, const std::string& cluster) {
  return static_cast<double>(facts_of(node, cluster).clock_offset.count()) / 1e6;
}

TEST_F(OnTheMachine, has_what_a_container_lacks_and_says_so) {
  const cluster::NodeFacts machine = facts_of(node(), cluster_->name());
  EXPECT_TRUE(machine.sysrq);
  EXPECT_TRUE(machine.own_clock);
  EXPECT_TRUE(machine.io_limits);
  EXPECT_TRUE(machine.tools.at("tc"));
  const cluster::NodeFacts container = facts_of(other(), cluster_->name());
  EXPECT_FALSE(container.own_clock);
}

TEST_F(OnTheMachine, a_slow_network_is_felt_and_over_when_it_is_healed) {
  const std::string before = qdiscs(node());
  const double quick = round_trip();
  ASSERT_GT(quick, 0);
  const Standing standing = lasts("slow-network", {{"delay", "1500ms"}});
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("netem"));
  EXPECT_GE(round_trip(), 1490);
  EXPECT_THAT(qdiscs(node()), HasSubstr("netem"));
  is_healed();
  EXPECT_EQ(qdiscs(node()), before);
  EXPECT_LT(round_trip(), 1490);
}

// "min/avg/max/mdev = 0.4/0.6/1.1/0.2 ms": the least and the most.
std::pair<double, double> range_of(const std::string& said) {
  const std::size_t at = said.find("mdev = ");
  if (at == std::string::npos) {
    ADD_FAILURE() << said;
    return {-1, -1};
  }
  const std::string numbers = said.substr(at + 7);
  const std::size_t most = numbers.find('/', numbers.find('/') + 1) + 1;
  return {std::atof(numbers.c_str()), std::atof(numbers.c_str() + most)};
}

bool in_order(const std::string& said) {
  int last = 0;
  for (std::size_t at = said.find("icmp_seq="); at != std::string::npos;
       at = said.find("icmp_seq=", at + 1)) {
    const int now = std::atoi(said.c_str() + at + 9);
    if (now < last) {
      return false;
    }
    last = now;
  }
  EXPECT_GT(last, 1) << said;
  return true;
}

TEST_F(OnTheMachine, a_network_that_jitters_and_doubles_is_felt_and_over_when_it_is_healed) {
  const auto spread = [](const std::string& said) {
    const auto [least, most] = range_of(said);
    return most - least;
  };
  const std::string before = ping("10");
  EXPECT_THAT(before, Not(HasSubstr("duplicates")));
  lasts("slow-network", {{"delay", "1s"}, {"jitter", "90"}, {"duplicate", "100"}});
  const std::string slow = ping("10");
  EXPECT_THAT(slow, HasSubstr("duplicates"));
  EXPECT_GT(spread(slow), spread(before) + 300) << slow;
  is_healed();
  const std::string after = ping("10");
  EXPECT_THAT(after, Not(HasSubstr("duplicates")));
  EXPECT_LT(spread(after), spread(slow)) << after;
}

TEST_F(OnTheMachine, a_network_that_reorders_is_felt_and_over_when_it_is_healed) {
  const auto twenty = [] {
    return on_node({"ping", "-i", "0.2", "-W", "5", "-c", "20", other().address()});
  };
  EXPECT_TRUE(in_order(twenty()));
  lasts("slow-network", {{"delay", "1s"}, {"reorder", "50"}});
  const std::string said = twenty();
  EXPECT_FALSE(in_order(said)) << said;
  is_healed();
  EXPECT_TRUE(in_order(twenty()));
}

// 1400 bytes and their headers take 280 ms at 40 kbit/s.
TEST_F(OnTheMachine, a_network_of_a_low_rate_is_felt_and_over_when_it_is_healed) {
  const auto least = [] {
    return range_of(on_node({"ping",
                             "-q",
                             "-i",
                             "0.5",
                             "-s",
                             "1400",
                             "-W",
                             "5",
                             "-c",
                             "5",
                             other().address()}))
        .first;
  };
  EXPECT_LT(least(), 280);
  lasts("slow-network", {{"delay", "1ms"}, {"rate", "40"}});
  EXPECT_GE(least(), 280);
  is_healed();
  EXPECT_LT(least(), 280);
}

TEST_F(OnTheMachine, a_network_that_loses_everything_is_proved_too) {
  lasts("slow-network", {{"delay", "1ms"}, {"loss", "100"}});
  EXPECT_THAT(ping("2"), HasSubstr(" 0 received"));
  is_healed();
  EXPECT_THAT(ping("2"), HasSubstr(" 2 received"));
}

TEST_F(OnTheMachine, a_lossy_network_loses_some_and_a_cut_of_power_in_the_middle_leaves_nothing) {
  const std::string before = qdiscs(node());
  const Standing standing = lasts("slow-network", {{"delay", "1ms"}, {"loss", "50"}});
  const std::string said = ping("40");
  const double lost = number_after(said, "received, ");
  EXPECT_GT(lost, 10) << said;
  EXPECT_LT(lost, 90) << said;
  loses_its_power();
  is_undone_by_its_boot(standing.id);
  EXPECT_THAT(on_node({"journalctl", "-b", "-t", "hookshot", "--no-pager"}),
              HasSubstr(standing.id));
  EXPECT_EQ(qdiscs(node()), before);
}

TEST_F(OnTheMachine, a_reboot_is_hard_by_sysrq_or_a_panic) {
  const Json hard = reboots("hard");
  EXPECT_EQ(json_string(hard, "means"), "sysrq b") << hard.dump();
  EXPECT_FALSE(json_bool(hard, "clean_shutdown", true)) << hard.dump();
  ASSERT_THAT(console(), Not(HasSubstr("Kernel panic")));
  const Json panic = reboots("panic");
  EXPECT_THAT(json_string(panic, "means"), HasSubstr("sysrq c")) << panic.dump();
  EXPECT_FALSE(json_bool(panic, "clean_shutdown", true)) << panic.dump();
  EXPECT_FALSE(json_bool(panic, "kdump", true)) << "none is set up: " << panic.dump();
  EXPECT_THAT(console(), HasSubstr("Kernel panic"));
}

TEST_F(OnTheMachine, its_clock_jumps_either_way_and_comes_back_with_what_keeps_it) {
  const std::vector<std::string> keeper = {"systemctl", "is-active", "systemd-timesyncd"};
  ASSERT_EQ(on_node(keeper), "active\n");
  ASSERT_LT(std::abs(seconds_off(node(), cluster_->name())), 30);
  for (const auto& [direction, sign] : {std::pair("forward", 1), std::pair("back", -1)}) {
    const Standing standing = lasts("clock-jump", {{"by", "1h"}, {"direction", direction}});
    EXPECT_NEAR(seconds_off(node(), cluster_->name()), sign * 3600, 60) << direction;
    EXPECT_EQ(on_node(keeper), "inactive\n");
    is_healed();
    EXPECT_LT(std::abs(seconds_off(node(), cluster_->name())), 30) << direction;
    EXPECT_EQ(on_node(keeper), "active\n");
  }
}

TEST_F(OnTheMachine, its_clock_is_right_after_a_reboot_in_the_middle) {
  const Standing standing = lasts("clock-jump", {{"by", "30h"}, {"direction", "forward"}});
  EXPECT_NEAR(seconds_off(node(), cluster_->name()), 30 * 3600, 60);
  resets();
  is_undone_by_its_boot(standing.id);
  EXPECT_LT(std::abs(seconds_off(node(), cluster_->name())), 30);
  EXPECT_EQ(on_node({"systemctl", "is-active", "systemd-timesyncd"}), "active\n");
}

}  // namespace
}  // namespace harness::fault
