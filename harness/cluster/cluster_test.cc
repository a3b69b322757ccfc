#include "harness/cluster/cluster.h"

#include <condition_variable>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "harness/base/eventually.h"
#include "harness/cluster/facts.h"
#include "harness/cluster/fake_node.h"
#include "harness/cluster/first_answer.h"
#include "harness/cluster/lease.h"
#include "harness/cluster/targets.h"
#include "harness/exec/unique_fd.h"

namespace harness::cluster {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

TEST(Cluster, finds_nodes_and_names_them_when_it_does_not) {
  std::vector<std::unique_ptr<Node>> nodes;
  nodes.push_back(std::make_unique<FakeNode>("w-1", false));
  nodes.push_back(std::make_unique<FakeNode>("cp-1"));
  nodes.push_back(std::make_unique<FakeNode>("cp-2"));
  const Cluster cluster("lab-a", std::move(nodes));
  EXPECT_EQ((*cluster.first_server())->name(), "cp-1");
  EXPECT_EQ(cluster.servers().size(), 2u);
  EXPECT_EQ((*cluster.node("w-1"))->name(), "w-1");
  const auto unknown = cluster.node("cp-9");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(unknown.error().message(), HasSubstr("w-1, cp-1, cp-2"));
}

TEST(Cluster, without_a_server_has_no_place_for_its_lease) {
  std::vector<std::unique_ptr<Node>> nodes;
  nodes.push_back(std::make_unique<FakeNode>("w-1", false));
  EXPECT_EQ(Cluster("lab-a", std::move(nodes)).first_server().error().code(),
            ErrorCode::invalid_input);
}

// A port that takes connections and never says a word; one that is closed refuses them.
class LoopbackPort {
 public:
  explicit LoopbackPort(bool open) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* plain = reinterpret_cast<sockaddr*>(&address_);
    HARNESS_ASSERT(::bind(fd_.get(), plain, size) == 0);
    HARNESS_ASSERT(::getsockname(fd_.get(), plain, &size) == 0);
    HARNESS_ASSERT(!open || ::listen(fd_.get(), 4) == 0);
  }

  int port() const { return ntohs(address_.sin_port); }

 private:
  exec::UniqueFd fd_;
  sockaddr_in address_{};
};

TEST(Cluster, lists_the_nodes_that_do_not_answer_without_costing_the_others_time) {
  const LoopbackPort silent(true);
  const LoopbackPort refusing(false);
  const auto node = [](const char* name, int port) {
    inventory::Node made{.name = name, .address = "127.0.0.1", .server = true};
    made.ssh = {.user = "root", .key = "/k", .known_hosts = "/kh", .port = port};
    return made;
  };
  const inventory::Inventory inventory{
      .cluster = "lab-a", .nodes = {node("cp-1", silent.port()), node("cp-2", refusing.port())}};
  std::vector<Unreachable> missing;
  const auto cluster =
      Cluster::connect_reachable(inventory, Deadline::after(milliseconds(300)), missing);
  ASSERT_TRUE(cluster) << cluster.error().message();
  EXPECT_TRUE((*cluster)->nodes().empty());
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_EQ(missing[0].node, "cp-1");
  EXPECT_EQ(missing[0].error.code(), ErrorCode::timed_out) << missing[0].error.message();
  EXPECT_EQ(missing[1].node, "cp-2");
  EXPECT_EQ(missing[1].error.code(), ErrorCode::unreachable) << missing[1].error.message();
  EXPECT_THAT(missing[1].error.message(), AllOf(HasSubstr("cp-2"), HasSubstr("refused")));
  const auto all = Cluster::connect(inventory, Deadline::after(milliseconds(300)));
  ASSERT_FALSE(all);
  EXPECT_THAT(all.error().message(), AllOf(HasSubstr("cp-1"), HasSubstr("cp-2")));
}

TEST(FirstAnswer, is_waited_for_and_given_to_whoever_asks) {
  FirstAnswer lease;
  std::vector<std::optional<Status>> said(2);
  {
    std::vector<std::jthread> nodes;
    for (auto& one : said) {
      nodes.emplace_back([&] { one = lease.ask(soon()); });
    }
    lease.say([](Deadline) -> Status { return fail(ErrorCode::refused, "ann@lab is at work"); });
  }
  for (const auto& one : said) {
    ASSERT_TRUE(one && !*one);
    EXPECT_EQ(one->error().message(), "ann@lab is at work");
  }
}

TEST(FirstAnswer, of_a_node_that_is_dead_holds_nobody_up) {
  FirstAnswer silent;
  EXPECT_TRUE(silent.ask(Deadline::after(milliseconds(20))));
  FirstAnswer dead;
  dead.say({});
  EXPECT_TRUE(dead.ask(soon()));
}

inventory::Node inventory_node() {
  inventory::Node node{.name = "cp-1", .address = "192.0.2.11", .server = true};
  node.ssh = {.user = "rancher", .key = "/k", .known_hosts = "/kh", .port = 2222};
  return node;
}

TEST(Target, is_made_from_the_inventory) {
  inventory::Node node = inventory_node();
  const auto plain = target_of(node);
  ASSERT_TRUE(plain);
  EXPECT_EQ(ssh::describe(*plain), "cp-1 (rancher@192.0.2.11 port 2222)");
  EXPECT_EQ(plain->jump, nullptr);

  struct Case {
    std::string text, user, host;
    int port;
  };

  for (const Case& c : {Case{"bastion.lab", "rancher", "bastion.lab", 22},
                        Case{"ops@bastion:2200", "ops", "bastion", 2200},
                        Case{"2001:db8::1", "rancher", "2001:db8::1", 22},
                        Case{"a@[2001:db8::1]:23", "a", "2001:db8::1", 23}}) {
    node.ssh.jump = c.text;
    const auto target = target_of(node);
    ASSERT_TRUE(target) << target.error().message();
    EXPECT_EQ(target->jump->user, c.user);
    EXPECT_EQ(target->jump->host, c.host);
    EXPECT_EQ(target->jump->port, c.port);
    EXPECT_EQ(target->jump->known_hosts, "/kh");
  }
}

TEST(Target, refuses_hostile_words_of_the_inventory) {
  for (const char* jump : {"-oProxyCommand=id",
                           "a b",
                           "host:0",
                           "host:99999",
                           "host:2x",
                           "[host",
                           "u@",
                           "u;id@host"}) {
    inventory::Node node = inventory_node();
    node.ssh.jump = jump;
    const auto target = target_of(node);
    ASSERT_FALSE(target) << jump;
    EXPECT_EQ(target.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(target.error().message(), HasSubstr("cp-1"));
  }
  for (const char* address : {"-oX", "a;b", "$(id)", ""}) {
    inventory::Node node = inventory_node();
    node.address = address;
    EXPECT_EQ(target_of(node).error().code(), ErrorCode::invalid_input);
  }
}

TEST(Facts, say_how_the_clock_stands) {
  FakeNode node;
  node.on_guard("facts", [](const Json& record) {
    EXPECT_EQ(record["data_dir"], "/var/lib/rancher/rke2");
    return std::vector<Json>{{{"type", "facts"},
                              {"boot_id", "b"},
                              {"allow", "lab-a"},
                              {"sysrq", true},
                              {"tools", {{"ctr", true}, {"tc", false}}},
                              {"kernel_parts", {{"nf_tables", true}, {"netem", false}}},
                              {"free_kb", {{"/run", 12}}},
                              {"node_wall_us", wall_now_us() + 5'000'000}}};
  });
  const auto facts = ask_facts(node, "lab-a", soon(), KernelParts::asked);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->allow, "lab-a");
  EXPECT_TRUE(facts->tools.at("ctr"));
  EXPECT_FALSE(facts->tools.at("tc"));
  EXPECT_TRUE(facts->kernel_parts.at("nf_tables"));
  EXPECT_FALSE(facts->kernel_parts.at("netem"));
  EXPECT_EQ(facts->free_kb.at("/run"), 12);
  const auto wrong = facts->clock_offset - std::chrono::seconds(5);
  EXPECT_LE(std::abs(wrong.count()), facts->clock_error.count() + 1);
}

// Finding them out takes longer than a round trip, which is the doubt of the clock.
TEST(Facts, ask_for_parts_of_the_kernel_once_and_only_when_wanted) {
  FakeNode node;
  std::vector<bool> asked;
  node.on_guard("facts", [&](const Json& record) {
    asked.push_back(json_bool(record, "kernel_parts"));
    Json line = {{"type", "facts"}, {"node_wall_us", wall_now_us()}};
    if (asked.back()) {
      line["kernel_parts"] = {{"netem", true}};
      line["unit_problem"] = "203/EXEC";
    }
    return std::vector<Json>{line};
  });
  const auto unasked = ask_facts(node, "lab-a", soon());
  ASSERT_TRUE(unasked);
  EXPECT_TRUE(unasked->kernel_parts.empty());
  EXPECT_FALSE(unasked->unit_problem);
  EXPECT_THAT(asked, testing::Each(false));
  asked.clear();
  const auto facts = ask_facts(node, "lab-a", soon(), KernelParts::asked);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->kernel_parts.at("netem")) << "whichever round was the shortest";
  EXPECT_EQ(facts->unit_problem, "203/EXEC");
  EXPECT_THAT(asked, testing::ElementsAre(true, false, false));
}

TEST(Facts, pass_on_why_there_are_none) {
  FakeNode node;
  node.lose_connection();
  const auto lost = ask_facts(node, "lab-a", soon());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(lost.error().message(), HasSubstr("facts of cp-1"));
}

std::vector<Json> ok_lease() {
  return {{{"type", "lease"}}};
}

TEST(Lease, is_taken_renewed_and_released) {
  FakeNode node;
  node.on_guard("lease-acquire", ok_lease());
  node.on_guard("lease-renew", ok_lease());
  node.on_guard("lease-release", ok_lease());
  auto lease = Lease::acquire(node,
                              {.cluster = "lab-a",
                               .holder = default_holder(),
                               .epoch = "run-1",
                               .renew_every = milliseconds(5)},
                              soon());
  ASSERT_TRUE(lease);
  ASSERT_TRUE(eventually("renewals", soon(), milliseconds(5), [&]() -> Result<Observation> {
    return Observation{node.traffic().size() > 3, "few"};
  }));
  EXPECT_TRUE((*lease)->held());
  ASSERT_TRUE((*lease)->release(soon()));
  lease->reset();
  const auto traffic = node.traffic();
  EXPECT_EQ(traffic.front().text, "lease-acquire");
  EXPECT_EQ(traffic.front().record["epoch"], "run-1");
  EXPECT_THAT(traffic.front().record["holder"].get<std::string>(), HasSubstr(" pid "));
  const auto releases = std::count_if(traffic.begin(), traffic.end(), [](const auto& seen) {
    return seen.text == "lease-release";
  });
  EXPECT_EQ(releases, 1);
}

TEST(Lease, is_released_after_the_renewal_that_is_on_its_way) {
  FakeNode node;
  std::mutex mutex;
  std::condition_variable changed;
  bool renewing = false;
  std::vector<std::string> ends;
  node.on_guard("lease-acquire", ok_lease());
  node.on_guard("lease-renew", [&](const Json&) {
    std::unique_lock lock(mutex);
    renewing = true;
    changed.notify_all();
    changed.wait_for(lock, milliseconds(30), [&] { return !ends.empty(); });
    ends.push_back("renewed");
    return ok_lease();
  });
  node.on_guard("lease-release", [&](const Json&) {
    const std::lock_guard lock(mutex);
    ends.push_back("released");
    changed.notify_all();
    return ok_lease();
  });
  auto lease = Lease::acquire(
      node,
      {.cluster = "lab-a", .holder = "me", .epoch = "e", .renew_every = milliseconds(1)},
      soon());
  ASSERT_TRUE(lease);
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_until(lock, soon().at(), [&] { return renewing; }));
  }
  ASSERT_TRUE((*lease)->release(soon()));
  EXPECT_EQ(ends.back(), "released");
  EXPECT_EQ(std::count(ends.begin(), ends.end(), "released"), 1);
}

TEST(Lease, of_somebody_else_is_refused_with_the_holder) {
  FakeNode node;
  node.on_guard("lease-acquire", [](const Json&) -> Result<std::vector<Json>> {
    return fail(ErrorCode::refused, "eve@there pid 7 holds this cluster, renewed 12 s ago");
  });
  const auto lease =
      Lease::acquire(node, {.cluster = "lab-a", .holder = "me", .epoch = "e"}, soon());
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code(), ErrorCode::refused);
  EXPECT_THAT(lease.error().message(), AllOf(HasSubstr("lease of lab-a"), HasSubstr("eve@there")));
}

TEST(Lease, is_lost_when_somebody_takes_it_over) {
  FakeNode node;
  node.on_guard("lease-acquire", ok_lease());
  node.on_guard("lease-renew", [](const Json&) -> Result<std::vector<Json>> {
    return fail(ErrorCode::refused, "eve has it");
  });
  auto lease = Lease::acquire(
      node,
      {.cluster = "lab-a", .holder = "me", .epoch = "e", .renew_every = milliseconds(2)},
      soon());
  ASSERT_TRUE(lease);
  ASSERT_TRUE(eventually("loss", soon(), milliseconds(2), [&]() -> Result<Observation> {
    return Observation{!(*lease)->held(), "held"};
  }));
  EXPECT_EQ((*lease)->held().error().code(), ErrorCode::refused);
}

TEST(Lease, outlasts_a_node_that_is_away_for_less_than_its_time) {
  FakeNode node;
  node.on_guard("lease-acquire", ok_lease());
  node.on_guard("lease-release", ok_lease());
  auto lease = Lease::acquire(node,
                              {.cluster = "lab-a",
                               .holder = "me",
                               .epoch = "e",
                               .ttl = std::chrono::hours(1),
                               .renew_every = milliseconds(2)},
                              soon());
  node.lose_connection();
  ASSERT_TRUE(eventually("tries", soon(), milliseconds(2), [&]() -> Result<Observation> {
    return Observation{node.traffic().size() > 4, "few"};
  }));
  EXPECT_TRUE((*lease)->held());
}

TEST(Lease, is_lost_when_it_could_not_be_renewed_within_its_time) {
  FakeNode node;
  node.on_guard("lease-acquire", ok_lease());
  auto lease = Lease::acquire(node,
                              {.cluster = "lab-a",
                               .holder = "me",
                               .epoch = "e",
                               .ttl = milliseconds(30),
                               .renew_every = milliseconds(2)},
                              soon());
  node.lose_connection();
  ASSERT_TRUE(eventually("loss", soon(), milliseconds(2), [&]() -> Result<Observation> {
    return Observation{!(*lease)->held(), "held"};
  }));
  EXPECT_EQ((*lease)->held().error().code(), ErrorCode::unreachable);
}

}  // namespace
}  // namespace harness::cluster
