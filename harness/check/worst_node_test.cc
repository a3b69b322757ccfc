// What is missing of one node hides nothing that was seen of another.
#include <algorithm>

#include <gmock/gmock.h>

#include "harness/check/check.h"
#include "harness/check/sample_trial.h"

namespace harness::check {
namespace {

using testing::HasSubstr;

class TwoNodes : public testing::Test {
 protected:
  TwoNodes() { trial_.restart(); }

  void photograph(const char* phase, const char* node, Json state) {
    state["phase"] = phase;
    state["node"] = node;
    state["wall_us"] = SampleTrial::us(50);
    trial_.add(50, std::move(state));
  }

  void unread(const char* type) {
    photograph("after", "cp-1", {{"type", type}, {"error", "ssh: connection reset"}});
  }

  Finding judge(std::string_view name) const {
    const auto found = std::ranges::find(all_checks(), name, &Check::name);
    EXPECT_NE(found, all_checks().end()) << name;
    return found == all_checks().end() ? Finding{} : found->judge(trial_.facts());
  }

  SampleTrial trial_;
};

Json pod(int sandboxes) {
  Json out = {{"pod", "etcd"},
              {"manifest_uid", "u"},
              {"sandboxes", Json::array()},
              {"containers", {{{"id", "c"}}}}};
  for (int i = 0; i < sandboxes; ++i) {
    out["sandboxes"].push_back({{"state", "ready"}, {"uid", "u"}});
  }
  return out;
}

Json pods(std::vector<Json> of_node) {
  return {{"type", "state.static-pods"}, {"pods", std::move(of_node)}};
}

Json etcd(std::int64_t revision) {
  return {{"type", "state.etcd"},
          {"reachable", true},
          {"healthy", true},
          {"leader_id", "1"},
          {"revision", revision},
          {"members", {{{"id", "1"}}, {{"id", "2"}}}},
          {"hash", 5},
          {"hash_revision", 7}};
}

Json node(const char* name, bool ready, std::int64_t renewed_us = SampleTrial::us(45)) {
  return {{"name", name},
          {"ready", ready},
          {"kubelet_version", "v1.30.13+rke2r1"},
          {"lease_renewed_us", renewed_us}};
}

TEST_F(TwoNodes, fail_static_pods_match_by_the_one_that_was_seen) {
  unread("state.static-pods");
  photograph("after", "cp-2", pods({pod(2)}));
  const Finding finding = judge("static-pods-match");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "etcd on cp-2 has 2 running sandboxes, one is wanted");
}

TEST_F(TwoNodes, lose_no_pod_of_the_one_that_was_not_seen) {
  photograph("before", "cp-1", pods({pod(1)}));
  photograph("before", "cp-2", pods({}));
  unread("state.static-pods");
  photograph("after", "cp-2", pods({}));
  const Finding finding = judge("static-pods-match");
  EXPECT_EQ(finding.verdict, Verdict::unproven);
  EXPECT_THAT(finding.reason, HasSubstr("of cp-1 could not be read: ssh: connection reset"));
}

TEST_F(TwoNodes, fail_etcd_recovers_by_the_one_that_was_seen) {
  unread("state.etcd");
  Json sick = etcd(7);
  sick["healthy"] = false;
  photograph("after", "cp-2", sick);
  const Finding finding = judge("etcd-recovers");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "etcd on cp-2 says that it is not healthy");
}

TEST_F(TwoNodes, fail_etcd_recovers_by_what_the_one_that_was_seen_has_lost) {
  photograph("before", "cp-2", etcd(8));
  unread("state.etcd");
  photograph("after", "cp-2", etcd(7));
  const Finding finding = judge("etcd-recovers");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "etcd on cp-2 fell from revision 8 to 7");
}

TEST_F(TwoNodes, hold_nothing_against_an_etcd_that_was_not_seen) {
  photograph("before", "cp-1", etcd(6));
  photograph("before", "cp-2", etcd(6));
  unread("state.etcd");
  photograph("after", "cp-2", etcd(7));
  const Finding finding = judge("etcd-recovers");
  EXPECT_EQ(finding.verdict, Verdict::unproven);
  EXPECT_THAT(finding.reason, HasSubstr("etcd on cp-1 could not be asked: ssh: connection reset"));
}

TEST_F(TwoNodes, fail_build_exact_by_the_one_that_was_seen) {
  unread("state.build");
  photograph("after", "cp-2", {{"type", "state.build"}, {"disk_version", "v1.30.12+rke2r1"}});
  const Finding finding = judge("build-exact");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("cp-2 has v1.30.12+rke2r1 on disk"));
}

TEST_F(TwoNodes, fail_build_exact_by_the_data_directory_though_no_start_was_seen) {
  photograph("after",
             "cp-2",
             {{"type", "state.build"},
              {"disk_version", "v1.30.13-rc2+rke2r1"},
              {"data_dir", "/var/lib/rancher/rke2/data/v1.30.12-rke2r1-0123/bin"}});
  const Finding finding = judge("build-exact");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_THAT(finding.reason, HasSubstr("cp-2 uses the data directory"));
}

TEST_F(TwoNodes, fail_nodes_ready_by_the_one_that_was_seen) {
  const Json unknown = node("cp-1", true, 0);
  photograph("after", "cp-1", {{"type", "state.nodes"}, {"nodes", {unknown, node("cp-2", false)}}});
  const Finding finding = judge("nodes-ready");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "cp-2 is not Ready");
}

TEST_F(TwoNodes, fail_nodes_ready_by_the_service_that_was_seen) {
  const char* hangs = "the service of cp-2 is activating (start) at the end";
  unread("state.unit");
  photograph("after", "cp-2", {{"type", "state.unit"}, {"active", "activating"}, {"sub", "start"}});
  EXPECT_EQ(judge("nodes-ready").verdict, Verdict::fail);
  EXPECT_EQ(judge("nodes-ready").reason, hangs) << "no apiserver was asked";
  photograph("after",
             "cp-1",
             {{"type", "state.nodes"}, {"nodes", {node("cp-1", true), node("cp-2", true)}}});
  EXPECT_EQ(judge("nodes-ready").verdict, Verdict::fail);
  EXPECT_EQ(judge("nodes-ready").reason, hangs);
}

TEST_F(TwoNodes, fail_apiserver_recovers_by_the_one_that_was_seen) {
  for (const char* on : {"cp-1", "cp-2"}) {
    for (const char* probe : {"readyz", "livez"}) {
      for (int i = 0; i < 400; ++i) {
        trial_.add(11 + 0.1 * i,
                   {{"type", "probe"},
                    {"node", on},
                    {"probe", probe},
                    {"outcome", "ok"},
                    {"wall_us", SampleTrial::us(11 + 0.1 * i)}});
      }
    }
  }
  unread("state.static-pods");
  photograph("after", "cp-2", pods({}));
  const Finding finding = judge("apiserver-recovers");
  EXPECT_EQ(finding.verdict, Verdict::fail);
  EXPECT_EQ(finding.reason, "no kube-apiserver container runs on cp-2");
}

}  // namespace
}  // namespace harness::check
