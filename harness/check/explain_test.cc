#include "harness/check/explain.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "harness/check/check.h"
#include "harness/check/sample_trial.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

constexpr const char* kNew = SampleTrial::kNew;
constexpr const char* kWords = "runtimes: failed to get runtime classes";

Finding judge(std::string_view name, SampleTrial& trial, int n_restarts = 0) {
  trial.after({{"type", "state.unit"},
               {"active", "active"},
               {"invocation", kNew},
               {"n_restarts", n_restarts}});
  return std::ranges::find(all_checks(), name, &Check::name)->judge(trial.facts());
}

TEST(Restarts, are_explained_when_there_is_only_the_step) {
  SampleTrial trial;
  trial.restart();
  const Finding finding = judge("restarts-explained", trial);
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
}

TEST(Invocations, know_the_build_of_an_agent) {
  SampleTrial trial;
  trial.log(20, "2222", "Starting rke2 agent v1.30.13+rke2r1 (abcd)");
  const TrialFacts facts = trial.facts();
  const Invocation* one = facts.invocation("cp-1", "2222");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->build, "v1.30.13+rke2r1");
  EXPECT_EQ(one->commit, "abcd");
}

TEST(Restarts, of_a_service_that_died_by_itself_quote_its_last_words) {
  SampleTrial trial;
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20, kNew, kWords);
  trial.start(25, "2222");
  const Finding restarts = judge("restarts-explained", trial, 1);
  EXPECT_EQ(restarts.verdict, Verdict::fail);
  EXPECT_THAT(restarts.reason, HasSubstr("started 2 times and nothing explains start 2"));
  EXPECT_THAT(restarts.reason, HasSubstr(kWords));
  const Finding journal = judge("journal-clean", trial);
  EXPECT_EQ(journal.verdict, Verdict::fail);
  EXPECT_THAT(journal.reason, HasSubstr(kWords));
}

TEST(Restarts, see_a_failed_job_even_without_a_second_start) {
  SampleTrial trial;
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20, kNew, kWords);
  EXPECT_THAT(judge("restarts-explained", trial).reason,
              HasSubstr("systemctl restart failed (exit status 1); its last words: runtimes"));
}

TEST(Restarts, see_what_systemd_counted_when_the_journal_lost_it) {
  SampleTrial trial;
  trial.restart();
  const Finding finding = judge("restarts-explained", trial, 2);
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("restarted the service 2 time(s) by itself, 0 explained"));
}

TEST(Restarts, allow_a_kill_under_the_hooks_one_exit_and_name_it) {
  SampleTrial trial("kill-pod", "kube-apiserver");
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20.2, kNew, kWords);
  trial.start(25, "2222");
  trial.record(20.1, kNew);
  const Finding restarts = judge("restarts-explained", trial, 1);
  EXPECT_EQ(restarts.verdict, Verdict::pass) << restarts.reason;
  EXPECT_THAT(restarts.reason,
              HasSubstr("one start more: the service ended 0.20 s after "
                        "kube-apiserver was killed under its hooks"));
  EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::pass);
}

TEST(Restarts, allow_a_kill_no_second_exit) {
  SampleTrial trial("kill-pod", "kube-apiserver");
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20.2, kNew, kWords);
  trial.start(25, "2222");
  trial.died(34, "2222", "clusterrole: EnsureRBACPolicy failed");
  trial.start(39, "3333");
  trial.record(20.1, kNew);
  const Finding restarts = judge("restarts-explained", trial, 2);
  EXPECT_EQ(restarts.verdict, Verdict::fail);
  EXPECT_THAT(restarts.reason, HasSubstr("nothing explains start 3"));
  EXPECT_THAT(judge("journal-clean", trial).reason, HasSubstr("EnsureRBACPolicy"));
}

TEST(Restarts, do_not_forgive_an_exit_after_a_kill_before_the_hooks) {
  SampleTrial trial("kill-pod", "etcd");
  trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
  trial.died(20, kNew, kWords);
  trial.start(25, "2222");
  trial.record(14, kNew);
  const Finding restarts = judge("restarts-explained", trial, 1);
  EXPECT_EQ(restarts.verdict, Verdict::fail);
  EXPECT_THAT(restarts.reason, HasSubstr("etcd was killed before the hooks might begin"));
  EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::fail);
}

TEST(Restarts, do_not_forgive_an_exit_that_came_first) {
  SampleTrial trial("kill-pod", "kube-apiserver");
  trial.restart();
  trial.died(20, kNew, kWords);
  trial.start(25, "2222");
  trial.record(22, kNew);
  EXPECT_EQ(judge("restarts-explained", trial, 1).verdict, Verdict::fail);
  EXPECT_THAT(fault_exits(trial.facts()).front().text, HasSubstr("before the fault"));
}

TEST(Restarts, are_explained_by_what_ends_the_service_also_before_its_hooks) {
  for (const auto& [fault, text] :
       {std::pair("kill-service", "after it was killed"),
        std::pair("kill-containerd", "after its containerd was killed")}) {
    SampleTrial trial(fault);
    trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
    trial.record(14, kNew);
    trial.died(14.3, kNew, "containerd exited: signal: killed");
    trial.start(19, "2222");
    const Finding once = judge("restarts-explained", trial, 1);
    EXPECT_EQ(once.verdict, Verdict::pass) << once.reason;
    EXPECT_THAT(once.reason, HasSubstr(text));
    EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::pass);
    EXPECT_EQ(judge("restarts-explained", trial, 2).verdict, Verdict::fail) << "only one of them";
  }
}

TEST(Restarts, by_systemd_are_not_explained_by_a_stop) {
  SampleTrial trial("stop-service");
  trial.restart({{"job_result", "canceled"}, {"exit_status", 1}});
  trial.record(14, kNew);
  trial.died(14.3, kNew, "");
  trial.start(44, "2222");
  const Finding none = judge("restarts-explained", trial, 0);
  EXPECT_EQ(none.verdict, Verdict::pass) << none.reason;
  EXPECT_THAT(none.reason, HasSubstr("after it was stopped"));
  EXPECT_EQ(judge("restarts-explained", trial, 1).verdict, Verdict::fail);
}

TEST(Restarts, of_kubelet_alone_explain_none_of_the_service) {
  SampleTrial trial("kill-kubelet");
  trial.restart();
  trial.record(14, kNew);
  trial.died(14.3, kNew, kWords);
  trial.start(19, "2222");
  const Finding finding = judge("restarts-explained", trial, 1);
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("kill-kubelet ends no service"));
}

TEST(Restarts, under_the_hooks_are_explained_by_whatever_took_kube_apiserver_away) {
  for (const char* fault : {"freeze-pod", "move-manifest", "rewrite-manifest"}) {
    SampleTrial trial(fault, "kube-apiserver");
    trial.restart({{"job_result", "failed"}, {"exit_status", 1}});
    trial.record(20.1, kNew);
    trial.died(35, kNew, kWords);
    trial.start(40, "2222");
    const Finding finding = judge("restarts-explained", trial, 1);
    EXPECT_EQ(finding.verdict, Verdict::pass) << fault << ": " << finding.reason;
  }
}

TEST(Restarts, belong_to_a_reboot_once) {
  SampleTrial trial("reboot");
  trial.restart({{"job_result", "lost"}, {"exit_status", 255}});
  trial.record(20, kNew, {{"evidence", {{"summary", "boots"}, {"boot_id_before", "b-1"}}}});
  trial.log(20.5, kNew, "containerd exited", "fatal");
  trial.start(35, "2222", "b2");
  trial.fact(35, {{"type", "clock"}, {"boot_id", "b-2"}});
  const Finding finding = judge("restarts-explained", trial);
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
  EXPECT_THAT(finding.reason, HasSubstr("one start more: the reboot"));
  EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::pass);
  trial.fact(45, {{"type", "clock"}, {"boot_id", "b3"}});
  EXPECT_THAT(judge("restarts-explained", trial).reason, HasSubstr("booted 2 time(s), 1 of them"));
}

TEST(Restarts, of_the_operators_own_reboot_are_the_steps) {
  SampleTrial trial;
  trial.events[0]["restart"] = "reboot";
  trial.restart({{"job_result", "rebooted"}});
  trial.fact(5, {{"type", "clock"}, {"boot_id", "b-1"}});
  trial.fact(35, {{"type", "clock"}, {"boot_id", "b-2"}});
  trial.container(5, "started", "etcd", "c1", "old");
  trial.container(15, "started", "etcd", "c2", "old");
  const Finding finding = judge("restarts-explained", trial);
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
  trial.fact(45, {{"type", "clock"}, {"boot_id", "b3"}});
  EXPECT_THAT(judge("restarts-explained", trial).reason, HasSubstr("booted 2 time(s), 1 of them"));
}

TEST(Journal, takes_the_old_invocations_last_words_for_the_stop) {
  SampleTrial trial;
  trial.restart();
  trial.systemd(10.1, SampleTrial::kOld, "Stopping rke2-server.service - x...");
  trial.log(10.2, SampleTrial::kOld, "context canceled", "fatal");
  EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::pass);
  trial.log(5, SampleTrial::kOld, "died before anybody asked it to", "fatal");
  EXPECT_THAT(judge("journal-clean", trial).reason, HasSubstr("died before anybody asked"));
}

TEST(Journal, knows_a_panic_and_passes_over_other_processes) {
  SampleTrial trial;
  trial.restart();
  trial.systemd(12, kNew, "panic: not rke2's");
  EXPECT_EQ(judge("journal-clean", trial).verdict, Verdict::pass);
  trial.line(13, kNew, "panic: runtime error: nil pointer", "b1");
  EXPECT_THAT(judge("journal-clean", trial).reason, HasSubstr("nil pointer"));
}

class Containers : public testing::Test {
 protected:
  ContainerStarts starts(SampleTrial& trial, const char* pod = "etcd") {
    trial.restart();
    trial.container(5, "started", pod, "c1", "old");
    return explain_containers(trial.facts(), "cp-1", pod);
  }
};

TEST_F(Containers, of_a_new_manifest_are_the_steps) {
  SampleTrial trial;
  trial.container(15, "started", "etcd", "c2", "new");
  EXPECT_EQ(starts(trial).unexplained, 0);
}

TEST_F(Containers, of_the_same_manifest_are_unexplained_without_a_fault) {
  SampleTrial trial;
  trial.container(15, "started", "etcd", "c2", "old");
  EXPECT_EQ(starts(trial).unexplained, 1);
  const Finding finding = judge("restarts-explained", trial);
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("etcd was started 1 time(s), 1 of them unexplained"));
}

TEST_F(Containers, are_explained_by_a_kill_once) {
  SampleTrial trial("kill-pod", "etcd");
  trial.container(21, "started", "etcd", "c2", "old");
  trial.record(20, kNew);
  EXPECT_EQ(starts(trial).unexplained, 0);
  trial.container(25, "started", "etcd", "c3", "old");
  EXPECT_EQ(explain_containers(trial.facts(), "cp-1", "etcd").unexplained, 1);
}

TEST_F(Containers, after_the_operators_reboot_are_one_more_and_no_third) {
  SampleTrial trial;
  trial.events[0]["restart"] = "reboot";
  trial.container(15, "started", "etcd", "c2", "old");
  EXPECT_EQ(starts(trial).unexplained, 0);
  trial.container(25, "started", "etcd", "c3", "old");
  EXPECT_EQ(explain_containers(trial.facts(), "cp-1", "etcd").unexplained, 1);
}

TEST_F(Containers, follow_from_the_loss_of_etcd) {
  SampleTrial trial("kill-pod", "etcd");
  trial.record(20, kNew);
  trial.container(25, "started", "kube-apiserver", "c2", "old");
  const ContainerStarts found = starts(trial, "kube-apiserver");
  EXPECT_EQ(found.unexplained, 0);
  EXPECT_EQ(found.consequence, "kube-apiserver ended for want of etcd");
}

TEST_F(Containers, of_a_controller_follow_from_an_outage_close_by) {
  SampleTrial trial;
  trial.probes(11, 14, "readyz", "not-ok");
  trial.probes(14, 90, "readyz", "ok");
  trial.container(18, "started", "kube-scheduler", "c2", "old");
  EXPECT_EQ(starts(trial, "kube-scheduler").unexplained, 0);
  trial.container(80, "started", "kube-scheduler", "c3", "old");
  EXPECT_EQ(explain_containers(trial.facts(), "cp-1", "kube-scheduler").unexplained, 2);
}

TEST_F(Containers, of_a_manifest_written_again_need_a_removal_that_lasted) {
  const auto rewritten = [&](double away) {
    SampleTrial trial;
    trial.fact(12, {{"type", "manifest"}, {"file", "etcd.yaml"}, {"op", "removed"}});
    trial.fact(12 + away,
               {{"type", "manifest"}, {"file", "etcd.yaml"}, {"op", "written"}, {"uid", "old"}});
    trial.container(16, "started", "etcd", "c2", "old");
    return starts(trial).unexplained;
  };
  EXPECT_EQ(rewritten(2), 0);
  EXPECT_EQ(rewritten(0.1), 1);
}

TEST(Restarts, are_unproven_where_containers_could_not_be_seen) {
  SampleTrial trial;
  trial.restart();
  trial.fact(20, {{"type", "container-problem"}, {"line", "no pidfd"}});
  const Finding blind = judge("restarts-explained", trial);
  EXPECT_EQ(blind.verdict, Verdict::unproven);
  EXPECT_THAT(blind.reason, HasSubstr("container-problem: no pidfd"));
  std::erase_if(trial.events,
                [](const Json& one) { return json_string(one, "type").starts_with("container"); });
  EXPECT_EQ(judge("restarts-explained", trial).reason, "no container was seen on cp-1");
}

TEST(Restarts, want_no_container_of_a_node_that_runs_no_static_pod) {
  SampleTrial trial;
  trial.restart();
  trial.after({{"type", "state.unit"}, {"n_restarts", 0}});
  std::erase_if(trial.events,
                [](const Json& one) { return json_string(one, "type").starts_with("container"); });
  const Json none = {{"type", "state.static-pods"}, {"pods", Json::array()}};
  trial.after(none);
  EXPECT_EQ(judge("restarts-explained", trial).verdict, Verdict::unproven);
  Json before = none;
  before["phase"] = "before";
  trial.fact(1, before);
  const Finding agent = judge("restarts-explained", trial);
  EXPECT_EQ(agent.verdict, Verdict::pass) << agent.reason;
  before["pods"] = {{{"pod", "etcd"}}};
  trial.fact(1, before);
  EXPECT_EQ(judge("restarts-explained", trial).verdict, Verdict::unproven);
}

TEST_F(Containers, of_a_hand_over_do_not_count) {
  SampleTrial trial;
  trial.container(15, "started", "kube-apiserver", "c2", "new");
  trial.container(15.1, "exited", "kube-apiserver", "c2", "new");
  trial.container(16, "exited", "kube-apiserver", "c1", "old");
  trial.container(17, "started", "kube-apiserver", "c3", "new");
  const ContainerStarts found = starts(trial, "kube-apiserver");
  EXPECT_EQ(found.total, 1);
  EXPECT_EQ(found.unexplained, 0);
}

}  // namespace
}  // namespace harness::check
