// One lab node for all tests of faults in this program; it is taken down in the end.
#pragma once

#include <memory>
#include <string>

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

inline const std::string kLab = "faults";
inline const std::string kVersion = "v1.30.13+rke2r1";

class OnTheLab : public testing::Test {
 protected:
  static void SetUpTestSuite() { raise(0); }

  static void raise(int agents) {
    lab::UpOptions options;
    options.version = kVersion;
    options.agents = agents;
    raise(std::move(options));
  }

  static void raise(lab::UpOptions options) {
    if (::geteuid() != 0) {
      why_ = "the lab needs root";
      return;
    }
    options.name = kLab;
    options.inventory = std::filesystem::temp_directory_path() / "hookshot-faults-lab.yaml";
    auto up = lab::up(options);
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

  static void TearDownTestSuite() {
    access_.reset();
    cluster_.reset();
    if (::geteuid() == 0) {
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

  static std::string container_of(const std::string& pod) {
    const auto pods = observe::read_static_pods(node(), Deadline::after(std::chrono::seconds(20)));
    for (const observe::StaticPod& one : pods.value()) {
      if (one.pod == pod && !one.containers.empty()) {
        return one.containers.front().id;
      }
    }
    return {};
  }

  static void settle() {
    const auto settled = upgrade::settle(*access_, {}, Deadline::after(std::chrono::minutes(6)));
    ASSERT_TRUE(settled) << settled.error().message();
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

  // Armed and applied; it lasts.
  static Standing stands(InjectRequest made) {
    const auto ready = preflight(*access_, node(), made, Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(ready) << ready.error().message();
    auto peers =
        peer_addresses(*access_, node(), made.fault, Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(peers) << peers.error().message();
    made.arm.addresses = peers ? *std::move(peers) : std::vector<std::string>();
    const Status armed =
        arm(node(), made.fault, made.arm, Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(armed) << armed.error().message();
    auto outcome =
        await(node(), cluster_->name(), made.arm.id, {}, Deadline::after(std::chrono::minutes(2)));
    EXPECT_TRUE(outcome) << outcome.error().message();
    return {made.arm.id, outcome ? *std::move(outcome) : Outcome()};
  }

  static Standing stands(const std::string& name, const Params& params) {
    return stands(request(name, params));
  }

  static void nothing_is_left() {
    const Json clean =
        observe::clean_state(node(), cluster_->name(), Deadline::after(std::chrono::minutes(1)));
    EXPECT_EQ(clean["left"], Json::array()) << clean.dump();
  }

  static inline inventory::Inventory inventory_;
  static inline bool supported_ = true;
  static inline std::string why_;
  static inline std::unique_ptr<cluster::Cluster> cluster_;
  static inline std::unique_ptr<observe::Access> access_;
};

}  // namespace harness::fault
