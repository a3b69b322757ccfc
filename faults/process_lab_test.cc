// What is stopped, frozen or killed on a real node answers nobody while it is, and answers again.

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class ProcessesOnTheLab : public OnASettledLab {
 protected:
  static Standing freezes(const std::string& name, Params params) {
    Standing standing = lasts(name, std::move(params));
    EXPECT_TRUE(json_bool(evidence_of(standing), "stretched")) << evidence_of(standing);
    return standing;
  }

  static Standing kills(const std::string& name) {
    Standing standing = lasts(request(name, {}));
    EXPECT_FALSE(json_bool(evidence_of(standing), "stretched")) << evidence_of(standing);
    return standing;
  }

  static Json evidence_of(const Standing& standing) {
    return standing.outcome.record.value("evidence", Json::object());
  }

  static void answers_again(const std::string& url) {
    becomes(url, kAnswered, [&] { return reach(node(), url); });
  }

  static void has_another(const std::string& name, const std::string& before) {
    EXPECT_NE(another(name, before, [&] { return process(node(), name); }), "");
  }

  // What the API server keeps of when the node was last heard of.
  static std::string lease() {
    const auto kept = access_->api(
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/" + node().name(),
        Deadline::after(seconds(20)));
    EXPECT_TRUE(kept) << kept.error().message();
    return kept ? json_string((*kept)["spec"], "renewTime") : "";
  }
};

TEST_F(ProcessesOnTheLab, a_stopped_service_refuses_and_is_started_again) {
  const std::string main = main_process(node());
  const std::string kubelet = process(node(), "kubelet");
  const std::string etcd = std::to_string(container("etcd").pid);
  ASSERT_EQ(reach(node(), kSupervisor), kAnswered);
  const Standing standing = lasts("stop-service", {});
  EXPECT_EQ(reach(node(), kSupervisor), kRefused) << standing.outcome.evidence;
  EXPECT_EQ(state_of(node(), main), '-');
  EXPECT_EQ(state_of(node(), kubelet), '-');
  EXPECT_NE(state_of(node(), etcd), '-') << "the containers live on";
  EXPECT_EQ(reach(node(), kEtcd), kAnswered);
  is_taken_back(standing);
  answers_again(kSupervisor);
  EXPECT_NE(main_process(node()), main);
}

TEST_F(ProcessesOnTheLab, a_frozen_service_hangs_and_goes_on) {
  const std::string main = main_process(node());
  const Standing standing = freezes("freeze-service", {});
  EXPECT_EQ(state_of(node(), main), 'T');
  EXPECT_EQ(reach(node(), kSupervisor), kTimedOut) << standing.outcome.evidence;
  EXPECT_EQ(reach(node(), kKubelet), kAnswered) << "its children go on";
  is_taken_back(standing);
  answers_again(kSupervisor);
  EXPECT_NE(state_of(node(), main), 'T');
  EXPECT_EQ(main_process(node()), main);
}

TEST_F(ProcessesOnTheLab, a_killed_service_refuses_and_another_answers) {
  const std::string main = main_process(node());
  const std::string etcd = container_of("etcd");
  ASSERT_NE(etcd, "");
  const Standing standing = kills("kill-service");
  EXPECT_EQ(reach(node(), kSupervisor), kRefused);
  EXPECT_EQ(state_of(node(), main), '-');
  is_taken_back(standing);
  answers_again(kSupervisor);
  EXPECT_NE(main_process(node()), main);
  EXPECT_EQ(container_of("etcd"), etcd) << "the containers live on";
}

// By a quota where the kernel has the CPU controller for it, else by turns.
TEST_F(ProcessesOnTheLab, a_slowed_service_has_a_quota_or_is_stopped_again_and_again) {
  const std::string main = main_process(node());
  const auto quota = [] { return property(node(), node().unit(), "CPUQuotaPerSecUSec"); };
  EXPECT_EQ(quota(), "infinity");
  const Standing standing = lasts("slow-service", {{"percent", "5"}});
  if (json_string(evidence_of(standing), "how") == "pulses") {
    for (const bool stopped : {true, false, true}) {
      becomes("stopped", stopped, [&] { return state_of(node(), main) == 'T'; });
    }
  } else {
    EXPECT_EQ(quota(), "50ms") << standing.outcome.evidence;
  }
  is_taken_back(standing);
  EXPECT_EQ(quota(), "infinity");
  EXPECT_NE(state_of(node(), main), 'T');
  answers_again(kSupervisor);
  EXPECT_EQ(main_process(node()), main);
}

TEST_F(ProcessesOnTheLab, a_frozen_kubelet_hangs_and_renews_nothing_until_it_goes_on) {
  const std::string kubelet = process(node(), "kubelet");
  ASSERT_EQ(reach(node(), kKubelet), kAnswered);
  const Standing standing = freezes("freeze-kubelet", {});
  EXPECT_EQ(state_of(node(), kubelet), 'T');
  EXPECT_EQ(reach(node(), kKubelet), kTimedOut) << standing.outcome.evidence;
  const std::string before = lease();
  // It renews each 10 s.
  const Status renewed =
      eventually("the lease is renewed", Deadline::after(seconds(12)), milliseconds(500), [&] {
        const std::string now = lease();
        return Result<Observation>(Observation{.done = now != before, .seen = now});
      });
  EXPECT_FALSE(renewed) << "was " << before;
  is_taken_back(standing);
  answers_again(kKubelet);
  EXPECT_EQ(process(node(), "kubelet"), kubelet);
  EXPECT_NE(state_of(node(), kubelet), 'T');
  becomes("the lease is another", true, [&] { return lease() != before; });
}

TEST_F(ProcessesOnTheLab, a_killed_kubelet_is_replaced_and_rke2_lives_on) {
  const std::string kubelet = process(node(), "kubelet");
  const std::string main = main_process(node());
  const Standing standing = kills("kill-kubelet");
  EXPECT_EQ(state_of(node(), kubelet), '-');
  is_taken_back(standing);
  has_another("kubelet", kubelet);
  answers_again(kKubelet);
  EXPECT_EQ(main_process(node()), main);
}

TEST_F(ProcessesOnTheLab, a_frozen_containerd_hangs_and_goes_on) {
  const std::string containerd = process(node(), "containerd");
  ASSERT_EQ(asks_containerd(node()), 0);
  const Standing standing = freezes("freeze-containerd", {});
  EXPECT_EQ(state_of(node(), containerd), 'T');
  EXPECT_EQ(asks_containerd(node()), kHangs) << standing.outcome.evidence;
  is_taken_back(standing);
  becomes("containerd", 0, [] { return asks_containerd(node()); });
  EXPECT_EQ(process(node(), "containerd"), containerd);
}

TEST_F(ProcessesOnTheLab, a_killed_containerd_refuses_and_another_takes_the_containers_over) {
  const std::string containerd = process(node(), "containerd");
  const std::string main = main_process(node());
  const observe::ContainerInfo etcd = container("etcd");
  const Standing standing = kills("kill-containerd");
  EXPECT_EQ(state_of(node(), containerd), '-');
  EXPECT_NE(asks_containerd(node()), 0);
  is_taken_back(standing);
  has_another("containerd", containerd);
  becomes("containerd", 0, [] { return asks_containerd(node()); });
  answers_again(kSupervisor);
  EXPECT_NE(main_process(node()), main) << "rke2 ends with it";
  EXPECT_EQ(container_of("etcd"), etcd.id);
  EXPECT_EQ(container("etcd").pid, etcd.pid);
}

TEST_F(ProcessesOnTheLab, each_frozen_pod_hangs_and_goes_on) {
  struct Target {
    const char* pod;
    const char* url;
    bool leads;  // and ends by itself when it could not renew its lease for ten seconds
  };

  const std::vector<Target> all = {
      {"etcd", kEtcd, false},
      {"kube-scheduler", kScheduler, true},
      {"kube-controller-manager", "https://127.0.0.1:10257/healthz", true},
      {"kube-apiserver", "https://127.0.0.1:6443/livez", false}};
  for (const auto& [pod, url, leads] : all) {
    SCOPED_TRACE(pod);
    settle(milliseconds(500));
    const observe::ContainerInfo before = container(pod);
    ASSERT_NE(before.id, "");
    const std::string process = std::to_string(before.pid);
    EXPECT_EQ(reach(node(), url), kAnswered);
    const Standing standing = freezes("freeze-pod", {{"pod", pod}});
    EXPECT_EQ(state_of(node(), process), 'T');
    EXPECT_EQ(reach(node(), url), kTimedOut) << standing.outcome.evidence;
    is_taken_back(standing);
    answers_again(url);
    EXPECT_NE(state_of(node(), process), 'T');
    if (!leads) {
      EXPECT_EQ(container(pod).id, before.id);
    }
  }
}

}  // namespace
}  // namespace harness::fault
