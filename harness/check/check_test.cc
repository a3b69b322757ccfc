#include "harness/check/check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>

#include "harness/check/sample_trial.h"
#include "harness/event/log.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

const std::filesystem::path kFolder = std::filesystem::path(HOOKSHOT_SOURCE_DIR) / "harness/check";

Finding judge(std::string_view name, const TrialFacts& facts) {
  const auto found = std::ranges::find(all_checks(), name, &Check::name);
  EXPECT_NE(found, all_checks().end()) << name;
  return found == all_checks().end() ? Finding{} : found->judge(facts);
}

Finding judge_sample(const Check& check, const std::string& kind) {
  std::vector<Json> events;
  const auto path = kFolder / "samples" / (std::string(check.name) + "." + kind + ".jsonl");
  const auto report =
      event::read_events(path.string(), [&](Json event) { events.push_back(std::move(event)); });
  EXPECT_TRUE(report) << report.error().message();
  return check.judge(gather(events));
}

TEST(EveryCheck, passes_its_good_sample) {
  for (const Check& check : all_checks()) {
    const Finding finding = judge_sample(check, "good");
    EXPECT_EQ(finding.verdict, Verdict::pass) << check.name << ": " << finding.reason;
  }
}

TEST(EveryCheck, does_not_pass_its_bad_sample_and_says_why) {
  for (const Check& check : all_checks()) {
    const Finding finding = judge_sample(check, "bad");
    // What is left on a node is the harness's failure, everything else the product's.
    EXPECT_EQ(finding.verdict, check.name == "healed" ? Verdict::error : Verdict::fail)
        << check.name << ": " << finding.reason;
    EXPECT_GT(finding.reason.size(), 10U) << check.name;
  }
}

TEST(EveryCheck, calls_a_trial_without_facts_unproven) {
  const std::vector<Json> bare = {{{"type", "trial.started"},
                                   {"path", {"v1.30.12+rke2r1", "v1.30.13+rke2r1"}},
                                   {"fault", "none"}},
                                  {{"type", "trial.finished"}, {"complete", true}}};
  for (const Check& check : all_checks()) {
    const Finding finding = check.judge(gather(bare));
    EXPECT_EQ(finding.verdict, Verdict::unproven) << check.name << ": " << finding.reason;
    EXPECT_FALSE(finding.reason.empty()) << check.name;
  }
}

TEST(EveryCheck, bears_events_of_any_shape) {
  std::vector<Json> odd;
  for (const char* type : {"trial.started",
                           "step.finished",
                           "window",
                           "fault",
                           "journal",
                           "probe",
                           "container",
                           "manifest",
                           "node.facts",
                           "state.etcd",
                           "state.nodes",
                           "state.static-pods",
                           "state.build",
                           "state.unit",
                           "state.clean",
                           "state.restarts",
                           "trial.finished"}) {
    odd.push_back({{"type", type}, {"node", 7}, {"phase", "after"}, {"path", 3}, {"effect", "x"}});
    odd.push_back({{"type", type}});
  }
  for (const Check& check : all_checks()) {
    EXPECT_NE(check.judge(gather(odd)).verdict, Verdict::pass) << check.name;
  }
}

TEST(EveryCheck, has_one_row_in_the_catalogue_and_one_file) {
  std::ifstream in(kFolder / "README.md");
  std::set<std::string> rows;
  const std::regex row(R"(^\| `([a-z-]+)` \|.*)");
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_match(line, match, row)) {
      EXPECT_TRUE(rows.insert(match[1]).second) << match[1] << " has two rows";
    }
  }
  std::set<std::string> names;
  for (const Check& check : all_checks()) {
    names.insert(std::string(check.name));
    std::string file(check.name);
    std::ranges::replace(file, '-', '_');
    EXPECT_TRUE(std::filesystem::exists(kFolder / "checks" / (file + ".cc"))) << check.name;
    EXPECT_TRUE(check.question.ends_with('?')) << check.name;
  }
  EXPECT_EQ(rows, names);
}

class Probing : public testing::Test {
 protected:
  Probing() { trial_.restart(); }

  Finding recovers(const char* outcome, double from, double to) {
    for (const char* probe : {"readyz", "livez"}) {
      trial_.probes(5, from, probe, "ok");
      trial_.probes(from, to, probe, outcome);
      trial_.probes(to, 400, probe, "ok");
    }
    return judge("apiserver-recovers", trial_.facts());
  }

  void apiserver_runs() {
    const Json pod = {{"pod", "kube-apiserver"},
                      {"manifest_uid", "u2"},
                      {"containers", {{{"id", "c2"}, {"started_wall_us", SampleTrial::us(25)}}}}};
    trial_.after({{"type", "state.static-pods"}, {"pods", {pod}}});
  }

  SampleTrial trial_;
};

TEST_F(Probing, counts_recovery_from_the_restart_without_a_fault) {
  apiserver_runs();
  const Finding finding = recovers("not-ok", 12, 20);
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
  ASSERT_TRUE(finding.recovery_s);
  EXPECT_NEAR(*finding.recovery_s, 10, 0.2);
}

TEST_F(Probing, fails_a_recovery_beyond_the_budget) {
  apiserver_runs();
  const Finding finding = recovers("not-ok", 12, 330);
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("readyz of cp-1 took 320.0 s"));
}

TEST_F(Probing, never_holds_against_the_product_what_it_could_not_see) {
  for (const char* outcome : {"refused", "unreachable", "wrong-process"}) {
    SampleTrial fresh;
    trial_ = fresh;
    trial_.restart();
    apiserver_runs();
    const Finding late = recovers(outcome, 12, 330);
    EXPECT_EQ(late.verdict, Verdict::unproven) << outcome << ": " << late.reason;
    const Finding outage = judge("outage-in-budget", trial_.facts());
    EXPECT_EQ(outage.verdict, Verdict::unproven) << outcome << ": " << outage.reason;
    trial_.probes(400, 402, "readyz", outcome);
    const Finding end = judge("apiserver-recovers", trial_.facts());
    EXPECT_EQ(end.verdict, Verdict::unproven);
    EXPECT_THAT(end.reason, HasSubstr(std::string("could not be seen at the end: ") + outcome));
  }
}

TEST_F(Probing, fails_a_server_that_is_down_at_the_end) {
  apiserver_runs();
  recovers("ok", 12, 20);
  trial_.probes(400, 403, "livez", "not-ok");
  const Finding finding = judge("apiserver-recovers", trial_.facts());
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("livez of cp-1 is not-ok at the end: says not-ok"));
}

TEST_F(Probing, fails_an_outage_beyond_the_budget_with_what_was_answered) {
  recovers("not-ok", 12, 140);
  const Finding finding = judge("outage-in-budget", trial_.facts());
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("was away for 128.0 s, the budget is 120 s: says not-ok"));
}

TEST_F(Probing, is_not_certain_of_an_outage_between_two_that_it_saw) {
  for (const char* probe : {"readyz", "livez"}) {
    trial_.probes(5, 12, probe, "ok");
    trial_.probes(12, 20, probe, "not-ok");
    trial_.probes(20, 140, probe, "unreachable");
    trial_.probes(140, 150, probe, "not-ok");
    trial_.probes(150, 160, probe, "ok");
  }
  const Finding finding = judge("outage-in-budget", trial_.facts());
  EXPECT_EQ(finding.verdict, Verdict::unproven) << finding.reason;
}

TEST_F(Probing, forgives_one_late_answer_between_two_good_ones) {
  apiserver_runs();
  const Finding finding = recovers("timeout", 350, 350.1);
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
}

TEST_F(Probing, wants_the_container_that_answers_to_be_known) {
  const Finding finding = recovers("not-ok", 12, 20);
  EXPECT_EQ(finding.verdict, Verdict::unproven);
  EXPECT_THAT(finding.reason, HasSubstr("which kube-apiserver of cp-1 answers is not known"));
}

TEST_F(Probing, fails_when_the_old_container_answers_for_a_new_manifest) {
  const Json old = {{"pod", "kube-apiserver"},
                    {"manifest_uid", "u1"},
                    {"containers", {{{"id", "c2"}, {"started_wall_us", 1}}}}};
  trial_.fact(1, {{"type", "state.static-pods"}, {"phase", "before"}, {"pods", {old}}});
  apiserver_runs();
  const Finding finding = recovers("ok", 12, 20);
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("the old kube-apiserver still answers"));
}

// A frozen kube-apiserver that goes on is the same one, and well; a killed one is not.
TEST_F(Probing, wants_another_container_only_after_a_fault_that_ends_it) {
  for (const auto& [fault, verdict] :
       std::vector<std::pair<const char*, Verdict>>{{"freeze-pod", Verdict::pass},
                                                    {"slow-disk", Verdict::pass},
                                                    {"kill-pod", Verdict::fail},
                                                    {"move-manifest", Verdict::fail}}) {
    SampleTrial fresh(fault, "kube-apiserver");
    trial_ = fresh;
    trial_.restart();
    trial_.record(28, SampleTrial::kNew, {{"evidence", {{"summary", "it was hurt"}}}});
    apiserver_runs();
    const Finding finding = recovers("not-ok", 28, 32);
    EXPECT_EQ(finding.verdict, verdict) << fault << ": " << finding.reason;
  }
}

TEST_F(Probing, calls_probes_that_were_silent_unproven_unless_it_fails_anyway) {
  apiserver_runs();
  for (const char* probe : {"readyz", "livez"}) {
    trial_.probes(5, 20, probe, "ok");
    trial_.probes(30, 60, probe, "ok");
  }
  const Finding recovery = judge("apiserver-recovers", trial_.facts());
  EXPECT_EQ(recovery.verdict, Verdict::unproven);
  EXPECT_THAT(recovery.reason, HasSubstr("of cp-1 was silent for 10.1 s between two questions"));
  EXPECT_EQ(judge("outage-in-budget", trial_.facts()).verdict, Verdict::unproven);
  trial_.probes(60, 200, "readyz", "not-ok");
  EXPECT_EQ(judge("outage-in-budget", trial_.facts()).verdict, Verdict::fail);
}

TEST_F(Probing, wants_to_have_asked_until_the_photograph_at_the_end) {
  apiserver_runs();
  for (const char* probe : {"readyz", "livez"}) {
    trial_.probes(5, 40, probe, "ok");
  }
  EXPECT_THAT(judge("outage-in-budget", trial_.facts()).reason,
              HasSubstr("before the photograph at the end"));
  for (const char* probe : {"readyz", "livez"}) {
    trial_.probes(44, 50, probe, "ok");
  }
  const Finding finding = judge("outage-in-budget", trial_.facts());
  EXPECT_EQ(finding.verdict, Verdict::pass) << finding.reason;
}

TEST(EtcdRecovers, is_unproven_when_its_probes_were_silent) {
  std::vector<Json> events;
  const auto path = kFolder / "samples/etcd-recovers.good.jsonl";
  ASSERT_TRUE(
      event::read_events(path.string(), [&](Json one) { events.push_back(std::move(one)); }));
  TrialFacts facts = gather(events);
  ASSERT_EQ(judge("etcd-recovers", facts).verdict, Verdict::pass);
  auto& probes = facts.probes.begin()->second.at("etcd-health");
  probes.back().wall_us += 20'000'000;
  EXPECT_THAT(judge("etcd-recovers", facts).reason, HasSubstr("was silent for"));
}

TEST(OrderKept, is_unproven_when_the_journal_could_not_be_read) {
  SampleTrial trial;
  trial.restart();
  ASSERT_EQ(judge("order-kept", trial.facts()).verdict, Verdict::pass);
  trial.fact(20, {{"type", "journal-problem"}, {"line", "3 entries were gone"}});
  for (const char* check : {"order-kept", "journal-clean"}) {
    const Finding finding = judge(check, trial.facts());
    EXPECT_EQ(finding.verdict, Verdict::unproven) << check;
    EXPECT_THAT(finding.reason, HasSubstr("journal-problem: 3 entries were gone")) << check;
  }
}

TEST(StaticPodsMatch, holds_the_pods_against_those_of_before) {
  const auto pod = [](const char* name) -> Json {
    return {{"pod", name},
            {"manifest_uid", "u"},
            {"sandboxes", {{{"state", "ready"}, {"uid", "u"}}}},
            {"containers", {{{"id", "c"}}}}};
  };
  SampleTrial trial;
  trial.after({{"type", "state.static-pods"}, {"pods", {pod("etcd")}}});
  EXPECT_EQ(judge("static-pods-match", trial.facts()).verdict, Verdict::unproven);
  const auto before = [&](std::vector<Json> pods) {
    trial.fact(1, {{"type", "state.static-pods"}, {"phase", "before"}, {"pods", std::move(pods)}});
    return judge("static-pods-match", trial.facts());
  };
  EXPECT_EQ(before({pod("etcd")}).verdict, Verdict::pass);
  const Finding gone = before({pod("etcd"), pod("kube-scheduler")});
  EXPECT_EQ(gone.verdict, Verdict::fail);
  EXPECT_EQ(gone.reason, "kube-scheduler on cp-1 is gone");
}

TEST(OrderKept, grades_by_version) {
  SampleTrial trial;
  trial.restart();
  trial.log(31, "2222", "Starting rke2 v1.30.13-rc2+rke2r1 (1b9b)");
  trial.log(32, "2222", "Running kube-apiserver --a");
  trial.log(33, "2222", "Applying Cluster Role Bindings");
  trial.log(34, "2222", "Pod for kube-apiserver is synced");
  const Finding fixed = judge("order-kept", trial.facts());
  EXPECT_EQ(fixed.verdict, Verdict::fail);
  EXPECT_THAT(fixed.reason, HasSubstr("hooks began before kube-apiserver was synced"));
  trial.events[0]["path"] = {"v1.30.11+rke2r1", "v1.30.12+rke2r1"};
  const Finding old = judge("order-kept", trial.facts());
  EXPECT_EQ(old.verdict, Verdict::pass);
  EXPECT_THAT(old.reason, HasSubstr("hazard on cp-1: hooks began before"));
}

TEST(OrderKept, lets_the_last_closing_of_the_sync_count) {
  SampleTrial trial;
  trial.restart();
  trial.log(31, "2222", "Running kube-apiserver --a");
  trial.log(32, "2222", "Pod for kube-apiserver is synced");
  trial.log(33, "2222", "Pod for etcd not synced (pod sandbox not found), retrying");
  trial.log(34, "2222", "Kube API server is now running");
  EXPECT_EQ(judge("order-kept", trial.facts()).verdict, Verdict::fail);
}

TEST(Healed, is_an_error_of_the_harness_when_the_record_is_dirty) {
  SampleTrial trial("kill-pod", "etcd");
  trial.record(20, SampleTrial::kNew, {{"state", "DIRTY"}, {"reason", "the rule is still there"}});
  trial.after({{"type", "state.clean"}, {"left", Json::array()}});
  const Finding finding = judge("healed", trial.facts());
  EXPECT_EQ(finding.verdict, Verdict::error);
  EXPECT_THAT(finding.reason, HasSubstr("the rule is still there"));
}

TEST(EveryCheck, calls_a_photograph_that_failed_unproven) {
  const std::vector<std::pair<std::string, std::string>> states = {
      {"static-pods-match", "state.static-pods"},
      {"nodes-ready", "state.nodes"},
      {"build-exact", "state.build"},
      {"etcd-recovers", "state.etcd"},
      {"healed", "state.clean"}};
  for (const auto& [check, type] : states) {
    SampleTrial trial;
    trial.restart();
    trial.after({{"type", type}, {"error", "ssh: connection reset"}});
    const Finding finding = judge(check, trial.facts());
    EXPECT_EQ(finding.verdict, Verdict::unproven) << check;
    EXPECT_THAT(finding.reason, HasSubstr("ssh: connection reset")) << check;
  }
}

TEST(NodesReady, wants_each_node_of_the_inventory) {
  SampleTrial trial;
  trial.restart();
  const Json node = {{"name", "cp-1"},
                     {"ready", true},
                     {"addresses", {"192.0.2.11"}},
                     {"kubelet_version", "v1.30.13+rke2r1"},
                     {"lease_renewed_us", SampleTrial::us(45)}};
  trial.after({{"type", "state.nodes"}, {"nodes", {node}}});
  const Json named = {{"name", "first"}, {"address", "192.0.2.11"}};
  trial.events[0]["nodes"] = Json::array({named});
  EXPECT_EQ(judge("nodes-ready", trial.facts()).verdict, Verdict::pass);
  trial.events[0]["nodes"] = Json::array({named, {{"name", "w-1"}, {"address", "192.0.2.21"}}});
  const Finding finding = judge("nodes-ready", trial.facts());
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "w-1 of the inventory is no node of the cluster");
}

TEST(NodesReady, fails_a_ready_node_whose_service_hangs_in_its_start) {
  SampleTrial trial;
  trial.restart();
  const Json node = {{"name", "cp-1"},
                     {"ready", true},
                     {"kubelet_version", "v1.30.13+rke2r1"},
                     {"lease_renewed_us", SampleTrial::us(45)}};
  trial.after({{"type", "state.nodes"}, {"nodes", {node}}});
  trial.after({{"type", "state.unit"}, {"active", "activating"}, {"sub", "start"}});
  const Finding finding = judge("nodes-ready", trial.facts());
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("the service of cp-1 is activating (start) at the end"));
}

}  // namespace
}  // namespace harness::check
