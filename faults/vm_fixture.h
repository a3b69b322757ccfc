// One virtual machine for all tests of what a container cannot express, with a container beside it
// as the other node.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "faults/lab_fixture.h"
#include "harness/base/eventually.h"
#include "harness/exec/local_runner.h"
#include "harness/lab/power.h"

namespace harness::fault {

class OnTheMachine : public OnTheLab {
 protected:
  // An emulated processor on a busy host takes its time.
  static constexpr std::chrono::minutes kPatience{10};

  static void SetUpTestSuite() {
    lab::UpOptions options;
    options.vm = true;
    options.agents = 1;
    options.progress = [](std::string_view line) { std::cerr << line << "\n"; };
    raise(std::move(options));
    if (cluster_ != nullptr) {
      allow();
    }
  }

  void SetUp() override {
    OnTheLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    ASSERT_FALSE(lost_) << "the machine was lost in an earlier test";
    answers_again();
    etcd_is_healthy();
    if (HasFatalFailure()) {
      return;
    }
    heartbeat_ = std::make_unique<Heartbeat>(
        std::vector<cluster::Node*>{&node()}, cluster_->name(), std::chrono::seconds(5));
  }

  void TearDown() override { heartbeat_.reset(); }

  static cluster::Node& other() { return *cluster_->nodes().back(); }

  static InjectRequest patient(const std::string& name, const Params& params) {
    InjectRequest made = request(name, params);
    made.arm.lease = std::chrono::minutes(2);
    return made;
  }

  // Long enough for us to look; taken back by heal().
  static Standing lasts(const std::string& name, Params params) {
    params.emplace("duration", "8m");
    InjectRequest made = patient(name, params);
    made.arm.ttl = std::chrono::minutes(10);
    Standing standing = stands(std::move(made));
    EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
    EXPECT_NE(standing.outcome.evidence, "");
    return standing;
  }

  static void is_healed() {
    const HealReport report =
        heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(kPatience));
    EXPECT_TRUE(report.clean()) << (report.clean() ? "" : report.dirty.front());
    EXPECT_EQ(report.records.size(), 1U);
    nothing_is_left();
  }

  static void etcd_is_healthy() {
    const auto healthy =
        eventually("etcd on the machine", Deadline::after(kPatience), std::chrono::seconds(1), [] {
          const auto etcd = ask_etcd(*access_, Deadline::after(std::chrono::seconds(30)));
          const bool well = etcd && etcd->healthy.size() == 1;
          return Result<Observation>(Observation{.done = well,
                                                 .seen = !etcd ? etcd.error().message()
                                                         : etcd->unhealthy.empty()
                                                             ? "no voter"
                                                             : etcd->unhealthy.front()});
        });
    lost_ = !healthy;
    ASSERT_TRUE(healthy) << healthy.error().message() << "\n" << console_tail();
  }

  static cluster::Reconnected answers_again() {
    const auto back = node().reconnect(Deadline::after(kPatience));
    lost_ = !back;
    EXPECT_TRUE(back) << back.error().message() << "\n" << console_tail();
    return back ? *back : cluster::Reconnected();
  }

  static std::string console() {
    const auto lab = lab::status(kLab);
    std::ifstream in(lab ? lab->folder / "nodes/cp-1/console.log" : std::filesystem::path());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static std::string console_tail() {
    const std::string all = console();
    return "its console says: " + all.substr(all.size() - std::min<std::size_t>(all.size(), 3000));
  }

  static std::string boot() {
    const auto id = observe::read_boot_id(node(), Deadline::after(std::chrono::minutes(1)));
    EXPECT_TRUE(id) << id.error().message();
    return id ? *id : std::string();
  }

  static double number_after(const std::string& text, const std::string& word) {
    const std::size_t at = text.find(word);
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + word.size());
  }

  static std::string ping(const std::string& count) {
    return on_node({"ping", "-q", "-i", "0.2", "-W", "5", "-c", count, other().address()});
  }

  // Milliseconds, on average.
  static double round_trip() {
    const std::string said = ping("5");
    return number_after(said.substr(std::min(said.size(), said.find(" = "))), "/");
  }

  // What a reboot by this way says; the node is the same, booted anew.
  static Json reboots(const std::string& how) {
    const std::string before = boot();
    const auto injected =
        inject(*access_, node(), patient("reboot", {{"how", how}}), {}, Deadline::after(kPatience));
    EXPECT_TRUE(injected) << injected.error().message();
    if (!injected || !injected->outcome) {
      ADD_FAILURE() << how << ": " << injected->outcome.error().message();
      return Json::object();
    }
    EXPECT_EQ(injected->outcome->outcome, "applied") << injected->outcome->reason;
    EXPECT_TRUE(injected->healed.clean());
    EXPECT_NE(boot(), before) << how;
    nothing_is_left();
    etcd_is_healthy();
    return injected->outcome->record.value("evidence", Json::object());
  }

  // Both take the node down at once, by no fault of ours; the second asks nothing of its network.
  static void resets() {
    static_cast<void>(node().run({.argv = {"sh", "-c", "echo b > /proc/sysrq-trigger"}},
                                 Deadline::after(std::chrono::minutes(1))));
  }

  static void loses_its_power() {
    exec::LocalRunner runner;
    const Status off = lab::power_off(kLab, node().name());
    ASSERT_TRUE(off) << off.error().message();
    const Status on = lab::power_on(runner, kLab, node().name());
    ASSERT_TRUE(on) << on.error().message();
  }

  // It takes back what stood as it comes up.
  static void is_undone_by_its_boot(const std::string& id) {
    EXPECT_TRUE(answers_again().rebooted);
    ASSERT_FALSE(lost_);
    const Status undone = await_undone(node(), cluster_->name(), id, Deadline::after(kPatience));
    EXPECT_TRUE(undone) << undone.error().message();
    nothing_is_left();
  }

  static std::string process(const std::string& name) {
    const std::string pid = on_node({"pgrep", "-o", "-x", name});
    return pid.substr(0, pid.find('\n'));
  }

  static std::string main_process() {
    const std::string pid =
        on_node({"systemctl", "show", "rke2-server", "-p", "MainPID", "--value"});
    return pid.substr(0, pid.find('\n'));
  }

  // What a file of the process's control group says.
  static std::string in_group(const std::string& process, const std::string& file) {
    const std::string path = on_node({"sed", "-n", "s/^0:://p", "/proc/" + process + "/cgroup"});
    return on_node({"cat", "/sys/fs/cgroup" + path.substr(0, path.find('\n')) + "/" + file});
  }

  static inline bool lost_ = false;
  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace harness::fault
