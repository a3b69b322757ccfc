// One lab for all tests of faults in a program: raised by the first of its suites, taken down after
// the last. HOOKSHOT_FAULTS_LAB gives it another name than its own, for two checkouts at once.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/cluster/cluster.h"
#include "harness/fault/inject.h"
#include "harness/fault/peers.h"
#include "harness/inventory/inventory.h"
#include "harness/lab/lab.h"
#include "harness/observe/pods.h"
#include "harness/observe/state.h"
#include "harness/upgrade/rolling.h"

namespace harness::fault {

inline const std::string kLab =
    std::getenv("HOOKSHOT_FAULTS_LAB") == nullptr ? "faults" : std::getenv("HOOKSHOT_FAULTS_LAB");
inline const std::string kVersion = "v1.30.13+rke2r1";

class OnTheLab : public testing::Test {
 public:
  class Ends : public testing::Environment {
    void TearDown() override { take_down(); }
  };

 protected:
  static void SetUpTestSuite() {
    lab::UpOptions options;
    options.version = kVersion;
    options.agents = 1;
    raise(std::move(options));
  }

  static void raise(lab::UpOptions options) {
    if (::geteuid() != 0) {
      why_ = "the lab needs root";
      return;
    }
    if (std::exchange(tried_, true)) {
      return;
    }
    options.name = kLab;
    options.inventory = std::filesystem::temp_directory_path() / ("hookshot-" + kLab + "-lab.yaml");
    auto up = lab::up(options);
    // What was not ready in time is left for inspection; any other failure has left nothing.
    ours_ = up || up.error().code() == ErrorCode::timed_out;
    if (!up) {
      why_ = up.error().message();
      supported_ = up.error().code() != ErrorCode::not_supported;
      return;
    }
    const auto inventory = inventory::load(up->inventory.string());
    ASSERT_TRUE(inventory) << inventory.error().message();
    inventory_ = *inventory;
    auto connected =
        cluster::Cluster::connect(*inventory, Deadline::after(std::chrono::seconds(30)));
    ASSERT_TRUE(connected) << connected.error().message();
    cluster_ = std::move(*connected);
    access_ = std::make_unique<observe::Access>(cluster_->name(), cluster_->nodes());
  }

  static void take_down() {
    access_.reset();
    cluster_.reset();
    if (ours_) {
      const auto down = lab::down(kLab);
      EXPECT_TRUE(down) << down.error().message();
    }
  }

  void SetUp() override {
    if (::geteuid() != 0 || !supported_) {
      GTEST_SKIP() << why_;
    }
    ASSERT_NE(cluster_, nullptr) << why_;
  }

  static cluster::Node& node() { return *cluster_->nodes().front(); }

  static InjectRequest request(const std::string& name, const Params& params) {
    InjectRequest made;
    made.fault = make_fault(name, params).value();
    made.arm.id = "lab-" + std::to_string(wall_now_us());
    made.arm.run = "lab-test";
    made.arm.cluster = cluster_->name();
    made.expendable = true;
    return made;
  }

  static void allow() {
    for (cluster::Node* one : cluster_->nodes()) {
      allow(*one);
    }
  }

  static void allow(cluster::Node& one) {
    const auto allowed = one.guard("allow",
                                   {{"cluster", cluster_->name()}, {"data_dir", one.data_dir()}},
                                   Deadline::after(std::chrono::seconds(20)));
    ASSERT_TRUE(allowed) << allowed.error().message();
  }

  // The pod's first container; without an id where none runs.
  static observe::ContainerInfo container(const std::string& pod) {
    const auto pods = access_->static_pods(node()).read(Deadline::after(std::chrono::seconds(20)));
    EXPECT_TRUE(pods) << pods.error().message();
    for (const observe::StaticPod& one : pods ? *pods : std::vector<observe::StaticPod>()) {
      if (one.pod == pod && !one.containers.empty()) {
        return one.containers.front();
      }
    }
    return {};
  }

  static std::string container_of(const std::string& pod) { return container(pod).id; }

  static void settle(std::chrono::milliseconds quiet = std::chrono::seconds(5)) {
    const auto settled =
        upgrade::settle(*access_, {.quiet = quiet}, Deadline::after(std::chrono::minutes(6)));
    ASSERT_TRUE(settled) << settled.error().message();
  }

  static void put(cluster::Node& one, const std::string& path, const std::string& text) {
    const auto local = std::filesystem::temp_directory_path() / ("hookshot-" + kLab + "-file");
    std::ofstream(local) << text;
    const Status put = one.upload(local, path, 0644, Deadline::after(std::chrono::seconds(30)));
    std::filesystem::remove(local);
    ASSERT_TRUE(put) << path << ": " << put.error().message();
  }

  // What a command says on the node.
  static std::string on_node(const std::vector<std::string>& argv) { return on(node(), argv); }

  static std::string on(cluster::Node& one, const std::vector<std::string>& argv) {
    const auto done = one.run({.argv = argv}, Deadline::after(std::chrono::minutes(3)));
    return done ? done->out : "failed: " + done.error().message();
  }

  struct Standing {
    std::string id;
    Outcome outcome;
  };

  // Armed and applied; it lasts. Peers that the request has already are not asked for.
  static Standing stands(InjectRequest made) {
    const auto ready = preflight(*access_, node(), made, Deadline::after(std::chrono::minutes(3)));
    EXPECT_TRUE(ready) << ready.error().message();
    if (made.arm.addresses.empty()) {
      auto peers =
          peer_addresses(*access_, node(), made.fault, Deadline::after(std::chrono::minutes(3)));
      EXPECT_TRUE(peers) << peers.error().message();
      made.arm.addresses = peers ? *std::move(peers) : std::vector<std::string>();
    }
    const Status armed =
        arm(node(), made.fault, made.arm, Deadline::after(std::chrono::minutes(3)));
    EXPECT_TRUE(armed) << armed.error().message();
    auto outcome =
        await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(std::chrono::minutes(3)));
    EXPECT_TRUE(outcome) << outcome.error().message();
    return {made.arm.id, outcome ? *std::move(outcome) : Outcome()};
  }

  static Standing stands(const std::string& name, const Params& params) {
    return stands(request(name, params));
  }

  // Applied, and longer than any look at it takes: it ends when we ask for it.
  static Standing lasts(InjectRequest made) {
    Standing standing = stands(std::move(made));
    EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
    EXPECT_NE(standing.outcome.evidence, "");
    return standing;
  }

  static Standing lasts(const std::string& name, Params params) {
    params.emplace("duration", "5m");
    return lasts(request(name, params));
  }

  static void is_taken_back(const Standing& standing) {
    const auto asked = node().guard("revert",
                                    {{"cluster", cluster_->name()}, {"id", standing.id}},
                                    Deadline::after(std::chrono::minutes(2)));
    ASSERT_TRUE(asked) << asked.error().message();
    ASSERT_FALSE(asked->empty());
    EXPECT_THAT(json_string(asked->front(), "summary"),
                testing::AnyOf(testing::HasSubstr("as it was before"),
                               testing::HasSubstr("nothing of it is left")))
        << "compared with what it was when it was armed";
    const Status undone = await_undone(
        node(), cluster_->name(), standing.id, Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(undone) << undone.error().message();
    nothing_is_left();
  }

  static void nothing_is_left() {
    const Json clean =
        observe::clean_state(node(), cluster_->name(), Deadline::after(std::chrono::minutes(1)));
    EXPECT_EQ(clean["left"], Json::array()) << clean.dump();
  }

  static inline inventory::Inventory inventory_;
  static inline bool tried_ = false;
  static inline bool ours_ = false;
  static inline bool supported_ = true;
  static inline std::string why_;
  static inline std::unique_ptr<cluster::Cluster> cluster_;
  static inline std::unique_ptr<observe::Access> access_;
};

inline testing::Environment* const kLabEnds = testing::AddGlobalTestEnvironment(new OnTheLab::Ends);

// Each test finds the cluster healthy, and keeps its leases.
class OnASettledLab : public OnTheLab {
 protected:
  void SetUp() override {
    OnTheLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    allow();
    settle();
    heartbeat_ =
        std::make_unique<Heartbeat>(cluster_->nodes(), cluster_->name(), std::chrono::seconds(3));
  }

  void TearDown() override { heartbeat_.reset(); }

  static cluster::Node& worker() { return *cluster_->nodes().back(); }

  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace harness::fault
