// Three servers whose etcd has a quorum to lose: they join in the windows of the packs, the budget
// keeps two of them well, a partition takes one away, and an upgrade comes through a fault.

#include <future>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"
#include "harness/lab/kubectl.h"

namespace harness::cli {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

const std::string kManifest = "/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml";

std::string on(const std::string& node, std::vector<std::string> words) {
  words.insert(words.begin(), {"lab", "ssh", "--name", lab(), node});
  return hookshot(std::move(words)).out;
}

Status see_all_ready() {
  return eventually(
      "all three nodes are Ready", Deadline::after(minutes(3)), std::chrono::seconds(1), [] {
        const std::string seen = on("cp-1", lab::ask_all_ready());
        return Result<Observation>(Observation{seen == "True True True", seen});
      });
}

class Quorum : public WholePath {
 protected:
  static void SetUpTestSuite() { raise("quorum", {"--servers", "3"}); }

  void SetUp() override {
    WholePath::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    const Status ready = see_all_ready();
    ASSERT_TRUE(ready) << ready.error().message();
  }
};

// What etcd on the node says of itself, each as it is now.
std::string metric(const std::string& node, const std::string& name) {
  const std::string all = on(node, {"curl", "-s", "http://127.0.0.1:2381/metrics"});
  const std::size_t at = all.find("\n" + name + " ");
  return at == std::string::npos
             ? "nothing"
             : all.substr(at + name.size() + 2, all.find('\n', at + 1) - at - name.size() - 2);
}

Status until(const std::string& node, const std::string& name, const std::string& value) {
  return eventually(name + " of etcd on " + node + " is " + value,
                    Deadline::after(minutes(2)),
                    std::chrono::milliseconds(300),
                    [&]() -> Result<Observation> {
                      const std::string seen = metric(node, name);
                      return Observation{seen == value, seen};
                    });
}

exec::CommandResult inject(const std::string& node, std::vector<std::string> words) {
  mark_nodes();
  words.insert(words.begin(), {"fault", "inject"});
  words.insert(words.end(), {"--node", node, "-i", inventory()});
  return hookshot(std::move(words));
}

// How often each window closed in the starts of each node.
std::map<std::string, std::map<std::string, int>> windows_of_nodes() {
  std::map<std::string, std::map<std::string, int>> out;
  const auto checked = hookshot({"windows", "check", "-i", inventory(), "--json"});
  EXPECT_EQ(checked.exit_status, 0) << checked.out << checked.err;
  const Json journals = parse_json(checked.out).value_or(Json::array());
  for (const Json& journal : journals) {
    auto& of_node = out[json_string(journal, "source")];
    for (const Json& start : journal.value("invocations", Json::array())) {
      for (const Json& seen : start["windows"]) {
        of_node[json_string(seen, "window")] += json_bool(seen, "closed") ? 1 : 0;
      }
    }
  }
  return out;
}

TEST_F(Quorum, joined_in_the_windows_of_joining_servers) {
  auto of_node = windows_of_nodes();
  EXPECT_FALSE(of_node["cp-1"].contains("join"));
  for (const char* node : {"cp-2", "cp-3"}) {
    const auto& windows = of_node[node];
    EXPECT_TRUE(windows.contains("join") && windows.at("join") == 1) << node;
    EXPECT_FALSE(windows.contains("temporary-etcd")) << node;
    EXPECT_EQ(metric(node, "etcd_server_is_learner"), "0") << node;
  }
}

TEST_F(Quorum, is_not_taken_while_a_voter_is_away) {
  on("cp-2", {"mv", kManifest, "/root/"});
  ASSERT_TRUE(until("cp-2", "etcd_server_has_leader", "nothing"));
  const auto refused = inject("cp-3", {"kill-pod", "pod=etcd"});
  EXPECT_NE(refused.exit_status, 0) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("would leave 1 healthy etcd voters of 3"));
  EXPECT_EQ(metric("cp-3", "etcd_server_has_leader"), "1");
  on("cp-2", {"mv", "/root/etcd.yaml", kManifest});
  ASSERT_TRUE(until("cp-2", "etcd_server_has_leader", "1"));
}

TEST_F(Quorum, loses_one_voter_to_a_partition_and_gets_it_back) {
  auto cut = std::async(std::launch::async, [] {
    return inject("cp-3", {"partition", "what=etcd-peers", "duration=40s"});
  });
  const Status alone = until("cp-3", "etcd_server_has_leader", "0");
  EXPECT_TRUE(alone) << alone.error().message();
  for (const char* node : {"cp-1", "cp-2"}) {
    EXPECT_EQ(metric(node, "etcd_server_has_leader"), "1") << node;
  }
  const auto done = cut.get();
  EXPECT_EQ(done.exit_status, 0) << done.out << done.err;
  const Status back = until("cp-3", "etcd_server_has_leader", "1");
  EXPECT_TRUE(back) << back.error().message();
}

TEST_F(Quorum, comes_through_an_upgrade_with_a_voter_killed_under_way) {
  const auto run = play("quorum",
                        "paths: [{versions: [v1.30.12+rke2r1, v1.30.13-rc2+rke2r1]}]\n"
                        "matrix:\n"
                        "  fault: [{kill-pod: {pod: etcd}}]\n"
                        "  window: [static-pod-sync]\n"
                        "  target: [cp-3]\n",
                        minutes(15));
  EXPECT_EQ(run.exit_status, 0) << run.out << run.err;
  const Json verdict = verdict_of("quorum");
  EXPECT_EQ(json_string(verdict, "verdict"), "pass") << verdict.dump();
  EXPECT_EQ(windows_of_nodes()["cp-3"]["remote-reconcile"], 1)
      << "the upgrade's start asked the first server";
}

}  // namespace
}  // namespace harness::cli
