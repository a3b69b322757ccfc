// Faults of the network between real nodes: what is cut is not reached, and is again afterwards.

#include "faults/lab_fixture.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::AnyOf;
using testing::HasSubstr;

// As curl(1) has them.
constexpr int kRefused = 7;
constexpr int kTimedOut = 28;

class NetworkOnTheLab : public OnTheLab {
 protected:
  static void SetUpTestSuite() { raise(1); }

  void SetUp() override {
    OnTheLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    allow();
    settle();
    heartbeat_ = std::make_unique<Heartbeat>(cluster_->nodes(), cluster_->name(), seconds(3));
  }

  void TearDown() override { heartbeat_.reset(); }

  static cluster::Node& worker() { return *cluster_->nodes().back(); }

  // curl's exit status.
  static int reach(cluster::Node& from, const std::string& url) {
    const auto done = from.run({.argv = {"curl", "-sk", "-o", "/dev/null", "--max-time", "3", url}},
                               Deadline::after(seconds(20)));
    EXPECT_TRUE(done) << done.error().message();
    return done ? done->exit_status : -1;
  }

  // What `meanwhile` sees while the fault stands; then the node takes it back by itself.
  static void stands(const std::string& name,
                     Params params,
                     const std::function<void(const Outcome&)>& meanwhile) {
    params.emplace("duration", "8s");
    InjectRequest made = request(name, params);
    ASSERT_TRUE(preflight(*access_, node(), made, Deadline::after(minutes(1))));
    const auto peers = peer_addresses(*access_, node(), made.fault, Deadline::after(seconds(20)));
    ASSERT_TRUE(peers) << peers.error().message();
    made.arm.addresses = *peers;
    const Status armed = arm(node(), made.fault, made.arm, Deadline::after(seconds(30)));
    ASSERT_TRUE(armed) << armed.error().message();
    const auto outcome =
        await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(minutes(1)));
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(outcome->outcome, "applied") << outcome->reason;
    meanwhile(*outcome);
    const Status undone =
        await_undone(node(), cluster_->name(), made.arm.id, Deadline::after(minutes(1)));
    EXPECT_TRUE(undone) << undone.error().message();
    const Json clean = observe::clean_state(node(), cluster_->name(), Deadline::after(seconds(20)));
    EXPECT_EQ(clean["left"], Json::array()) << clean.dump();
  }

  std::unique_ptr<Heartbeat> heartbeat_;
};

TEST_F(NetworkOnTheLab, a_server_that_is_cut_off_is_not_reached_by_the_other_node) {
  const std::string supervisor = "https://" + node().address() + ":9345/ping";
  const std::string apiserver = "https://" + node().address() + ":6443/livez";
  EXPECT_EQ(reach(worker(), supervisor), 0);
  stands("partition", {{"what", "supervisor"}, {"how", "drop"}}, [&](const Outcome& outcome) {
    EXPECT_EQ(reach(worker(), supervisor), kTimedOut) << outcome.evidence;
    EXPECT_EQ(reach(worker(), apiserver), 0) << "another port";
  });
  EXPECT_EQ(reach(worker(), supervisor), 0);
  stands("partition", {{"what", "control-plane"}, {"how", "reset"}}, [&](const Outcome& outcome) {
    EXPECT_THAT(reach(worker(), supervisor), AnyOf(kRefused, 35, 56)) << outcome.evidence;
    EXPECT_THAT(reach(worker(), apiserver), AnyOf(kRefused, 35, 56)) << outcome.evidence;
  });
  EXPECT_EQ(reach(worker(), supervisor), 0);
  EXPECT_EQ(reach(worker(), apiserver), 0);
}

TEST_F(NetworkOnTheLab, a_registry_and_names_are_not_reached_and_ssh_is) {
  // Nobody listens there, and says so.
  const std::string registry = "http://" + worker().address() + ":5000/v2/";
  EXPECT_EQ(reach(node(), registry), kRefused);
  stands(
      "block-registry", {{"registry", worker().address() + ":5000"}}, [&](const Outcome& outcome) {
        EXPECT_EQ(reach(node(), registry), kTimedOut) << outcome.evidence;
      });
  EXPECT_EQ(reach(node(), registry), kRefused);
  stands("block-dns", {{"how", "drop"}}, [&](const Outcome& outcome) {
    EXPECT_THAT(outcome.evidence, HasSubstr("53"));
    EXPECT_EQ(reach(node(), registry), kRefused) << "other ports go on";
  });
}

}  // namespace
}  // namespace harness::fault
