// What restarts while a fault stands on a real node: its target, or the whole node.

#include <tuple>

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kEtcdPort = 2379;

class RestartsOnTheLab : public OnASettledLab {
 protected:
  // Of a file below data_dir.
  static std::string text(const std::string& file) {
    return node()
        .read_file(node().data_dir() + "/" + file, Deadline::after(seconds(20)))
        .value_or("cannot be read");
  }

  struct Target {
    const char* fault;
    Params params;
    std::function<std::string()> process;
    const char* url;
    std::function<void(const std::string&)> restart;
  };

  // The new one is not touched, neither while the fault stands nor when it is taken back.
  static void restarts_meanwhile(const Target& target) {
    SCOPED_TRACE(target.fault);
    settle(milliseconds(500));
    const std::string before = target.process();
    const Standing standing = lasts(target.fault, target.params);
    target.restart(before);
    const std::string now = another("process", before, target.process);
    ASSERT_NE(now, "");
    becomes(target.url, kAnswered, [&] { return reach(node(), target.url); });
    EXPECT_NE(state_of(node(), now), 'T') << standing.outcome.evidence;
    is_taken_back(standing);
    EXPECT_EQ(target.process(), now);
    EXPECT_NE(state_of(node(), now), 'T');
    becomes(target.url, kAnswered, [&] { return reach(node(), target.url); });
  }

  static void killed(const std::string& process) {
    EXPECT_EQ(look(node(), {"kill", "-KILL", process}).exit_status, 0);
  }
};

TEST_F(RestartsOnTheLab, what_restarts_under_a_freeze_is_free_and_stays_so) {
  restarts_meanwhile({"freeze-pod",
                      {{"pod", "kube-scheduler"}},
                      [] { return std::to_string(container("kube-scheduler").pid); },
                      kScheduler,
                      [](const std::string&) {
                        EXPECT_EQ(look(node(),
                                       {"ctr",
                                        "-a",
                                        "/run/k3s/containerd/containerd.sock",
                                        "-n",
                                        "k8s.io",
                                        "tasks",
                                        "kill",
                                        "-s",
                                        "SIGKILL",
                                        container_of("kube-scheduler")})
                                      .exit_status,
                                  0);
                      }});
  restarts_meanwhile(
      {"freeze-kubelet", {}, [] { return process(node(), "kubelet"); }, kKubelet, killed});
  restarts_meanwhile(
      {"freeze-service", {}, [] { return main_process(node()); }, kSupervisor, killed});
}

TEST_F(RestartsOnTheLab, a_service_that_restarts_is_slow_no_more_and_one_that_is_started_stays) {
  restarts_meanwhile({"slow-service",
                      {{"percent", "20"}},
                      [] { return main_process(node()); },
                      kSupervisor,
                      killed});
  restarts_meanwhile(
      {"stop-service",
       {},
       [] { return main_process(node()); },
       kSupervisor,
       [](const std::string&) {
         EXPECT_EQ(look(node(), {"systemctl", "start", node().unit()}).exit_status, 0);
       }});
}

// Those that a boot does not end by itself.
TEST_F(RestartsOnTheLab, a_reboot_in_the_middle_leaves_nothing_of_it) {
  const std::vector<std::tuple<const char*, Params, const char*>> all = {
      {"expire-certificate", {{"what", "etcd-server"}}, "server/tls/etcd/server-client.crt"},
      {"rewrite-manifest", {{"pod", "kube-scheduler"}}, "agent/pod-manifests/kube-scheduler.yaml"}};
  for (const auto& [name, params, file] : all) {
    SCOPED_TRACE(name);
    settle(milliseconds(500));
    const std::string before = text(file);
    const std::string end = served_end(node(), kEtcdPort);
    const Standing standing = lasts(name, params);
    EXPECT_NE(text(file), before) << standing.outcome.evidence;
    static_cast<void>(node().run({.argv = {"systemctl", "reboot"}}, Deadline::after(seconds(10))));
    const Status booted =
        eventually("another boot", Deadline::after(kLongestStart), milliseconds(200), [&] {
          const auto back = node().reconnect(Deadline::after(seconds(20)));
          return Result<Observation>(
              Observation{.done = back && back->rebooted,
                          .seen = back ? "boot " + back->boot_id : back.error().message()});
        });
    ASSERT_TRUE(booted) << booted.error().message();
    const Status undone =
        await_undone(node(), cluster_->name(), standing.id, Deadline::after(minutes(1)));
    EXPECT_TRUE(undone) << undone.error().message();
    nothing_is_left();
    EXPECT_EQ(text(file), before);
    becomes(kSupervisor, kAnswered, [&] { return reach(node(), kSupervisor); });
    becomes("the old end", end, [&] { return served_end(node(), kEtcdPort); });
  }
}

}  // namespace
}  // namespace harness::fault
