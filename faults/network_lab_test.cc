// Faults of the network between real nodes: what is cut is not reached, and is again afterwards.

#include <algorithm>
#include <future>

#include "faults/lab_fixture.h"
#include "faults/look.h"
#include "faults/name_server.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int kEtcdPeers = 2380;
constexpr int kVxlan = 8472;
constexpr const char* kResolver = "/etc/resolv.conf";

class NetworkOnTheLab : public OnASettledLab {
 protected:
  void TearDown() override {
    for (const std::string& unit : listeners_) {
      look(worker(), {"systemctl", "stop", unit});
    }
    OnASettledLab::TearDown();
  }

  // On the worker, where nobody else has this port: what arrives is in `into`.
  void listen(const std::string& kind, int port, const std::string& into = "/dev/null") {
    const std::string unit = "lab-listener-" + std::to_string(port) + ".service";
    const std::string from = kind + "-" + (kind == "TCP" ? "LISTEN" : "RECV") + ":" +
                             std::to_string(port) + (kind == "TCP" ? ",fork,reuseaddr" : "");
    const auto begun = look(
        worker(),
        {"systemd-run", "--unit", unit, "socat", "-u", from, "OPEN:" + into + ",creat,append"});
    ASSERT_EQ(begun.exit_status, 0) << begun.err;
    listeners_.push_back(unit);
    const char* sockets = kind == "TCP" ? "-Hltn" : "-Hlun";
    becomes("a listener at " + std::to_string(port), true, [&] {
      return !look(worker(), {"ss", sockets, "sport = :" + std::to_string(port)}).out.empty();
    });
  }

  struct BothWays {
    int to_node;
    int from_node;
    bool operator==(const BothWays&) const = default;
  };

  static BothWays connect(int port) {
    auto to_node =
        std::async(std::launch::async, [&] { return connects(worker(), node().address(), port); });
    const int from_node = connects(node(), worker().address(), port);
    return {to_node.get(), from_node};
  }

  // Packets from the node to etcd's peers that have come to the worker since the last question.
  static int arrived() {
    const std::string said =
        look(worker(), {"nft", "reset", "counters", "table", "inet", "lab_arrived"}).out;
    const std::size_t at = said.find("packets ");
    EXPECT_NE(at, std::string::npos) << said;
    return at == std::string::npos ? -1 : std::atoi(said.c_str() + at + 8);
  }

  // The node's ports that the worker does not get to.
  static std::vector<int> cut_from_worker() {
    std::vector<std::future<int>> asked;
    constexpr int kPorts[] = {22, 2379, 2380, 6443, 9345, 10250};
    for (const int port : kPorts) {
      asked.push_back(std::async(std::launch::async, [port] {
        const int status = connects(worker(), node().address(), port);
        EXPECT_TRUE(status == 0 || status == kHangs) << port << ": " << status;
        return status == 0 ? 0 : port;
      }));
    }
    std::vector<int> out;
    for (auto& one : asked) {
      out.push_back(one.get());
    }
    std::erase(out, 0);
    return out;
  }

  static std::string where_is(const std::string& name) {
    const auto found = look(node(), {"getent", "ahostsv4", name});
    return found.out.substr(0, found.out.find(' '));
  }

  std::vector<std::string> listeners_;
};

// One server has no peers: the worker is given for one, with a listener in the place of its etcd.
TEST_F(NetworkOnTheLab, etcds_peers_are_cut_in_each_direction_and_way_and_reached_again) {
  struct Cut {
    const char* direction;
    const char* how;
    BothWays felt;
    bool arrives;
  };

  const std::vector<Cut> all = {{"both", "drop", {kHangs, kHangs}, false},
                                {"in", "drop", {kHangs, kHangs}, true},
                                {"out", "drop", {kHangs, kHangs}, false},
                                {"both", "reset", {1, 1}, false},
                                {"in", "reset", {1, kHangs}, true},
                                {"out", "reset", {kHangs, 1}, false}};
  listen("TCP", kEtcdPeers);
  ASSERT_EQ(look(worker(),
                 {"nft", "-f", "-"},
                 "table inet lab_arrived {\n counter seen { }\n chain input {\n"
                 "  type filter hook input priority -300;\n  ip saddr " +
                     node().address() +
                     " tcp dport 2380 tcp flags & (syn | ack) == syn counter name seen\n }\n}\n")
                .exit_status,
            0);
  EXPECT_EQ(connect(kEtcdPeers), BothWays(0, 0));
  EXPECT_GT(arrived(), 0);
  for (const Cut& cut : all) {
    SCOPED_TRACE(std::string(cut.direction) + " " + cut.how);
    InjectRequest made = request("partition",
                                 {{"what", "etcd-peers"},
                                  {"direction", cut.direction},
                                  {"how", cut.how},
                                  {"duration", "5m"}});
    made.arm.addresses = {worker().address()};
    const Standing standing = lasts(std::move(made));
    arrived();
    const BothWays felt = connect(kEtcdPeers);
    EXPECT_EQ(felt.to_node, cut.felt.to_node) << standing.outcome.evidence;
    EXPECT_EQ(felt.from_node, cut.felt.from_node) << standing.outcome.evidence;
    EXPECT_EQ(arrived() > 0, cut.arrives);
    is_taken_back(standing);
    EXPECT_EQ(connect(kEtcdPeers), BothWays(0, 0));
  }
  look(worker(), {"nft", "delete", "table", "inet", "lab_arrived"});
}

TEST_F(NetworkOnTheLab, a_server_is_cut_off_at_the_ports_that_were_named_and_no_other) {
  const std::vector<std::pair<const char*, std::vector<int>>> all = {
      {"apiserver", {6443}},
      {"supervisor", {9345}},
      {"control-plane", {2379, 2380, 6443, 9345, 10250}}};
  EXPECT_THAT(cut_from_worker(), testing::IsEmpty());
  for (const auto& [what, ports] : all) {
    SCOPED_TRACE(what);
    const Standing standing = lasts("partition", {{"what", what}});
    EXPECT_EQ(cut_from_worker(), ports) << standing.outcome.evidence;
    is_taken_back(standing);
    EXPECT_THAT(cut_from_worker(), testing::IsEmpty());
  }
}

TEST_F(NetworkOnTheLab, what_the_pods_network_sends_does_not_arrive_and_does_again) {
  const std::string heard = "/run/lab-heard";
  listen("UDP4", kVxlan, heard);
  const auto send = [&](const std::string& word) {
    look(node(),
         {"bash",
          "-c",
          "echo $2 > /dev/udp/$0/$1",
          worker().address(),
          std::to_string(kVxlan),
          word});
  };
  const auto hears = [&](const std::string& word) {
    becomes(word, true, [&] {
      send(word);
      return look(worker(), {"cat", heard}).out.find(word) != std::string::npos;
    });
  };
  hears("before");
  const Standing standing = lasts("partition", {{"what", "cni-overlay"}, {"how", "drop"}});
  send("meanwhile");
  EXPECT_THAT(cut_from_worker(), testing::IsEmpty()) << "TCP goes on";
  is_taken_back(standing);
  hears("afterwards");
  EXPECT_THAT(look(worker(), {"cat", heard}).out, testing::Not(HasSubstr("meanwhile")));
  look(worker(), {"rm", "-f", heard});
}

// What stood by itself ends by itself.
TEST_F(NetworkOnTheLab, a_registry_is_not_reached_until_its_time_is_over) {
  // Nobody listens there, and says so.
  const std::string registry = "http://" + worker().address() + ":5000/v2/";
  EXPECT_EQ(reach(node(), registry), kRefused);
  const Standing standing =
      stands("block-registry", {{"registry", worker().address() + ":5000"}, {"duration", "8s"}});
  EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
  EXPECT_EQ(reach(node(), registry), kTimedOut) << standing.outcome.evidence;
  const Status undone =
      await_undone(node(), cluster_->name(), standing.id, Deadline::after(minutes(1)));
  EXPECT_TRUE(undone) << undone.error().message();
  nothing_is_left();
  EXPECT_EQ(reach(node(), registry), kRefused);
}

TEST_F(NetworkOnTheLab, no_name_is_found_that_the_node_does_not_know_itself) {
  const std::string bridge = node().address().substr(0, node().address().rfind('.')) + ".1";
  const NameServer server(bridge);
  const std::string before = node().read_file(kResolver, Deadline::after(seconds(20))).value();
  put(node(), kResolver, "nameserver " + bridge + "\noptions timeout:1 attempts:1\n");
  EXPECT_EQ(where_is("registry.example"), NameServer::kAnswer);
  const std::string own = where_is(node().name());
  EXPECT_NE(own, "");
  for (const char* how : {"drop", "reset"}) {
    SCOPED_TRACE(how);
    const Standing standing = lasts("block-dns", {{"how", how}});
    EXPECT_EQ(where_is("registry.example"), "") << standing.outcome.evidence;
    EXPECT_EQ(where_is(node().name()), own) << "it stands in /etc/hosts";
    EXPECT_THAT(cut_from_worker(), testing::IsEmpty()) << "other ports go on";
    is_taken_back(standing);
    EXPECT_EQ(where_is("registry.example"), NameServer::kAnswer);
  }
  put(node(), kResolver, before);
}

}  // namespace
}  // namespace harness::fault
