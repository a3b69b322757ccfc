// A manifest that kubelet sees late, on a real node.

#include <gmock/gmock.h>

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

// Another UID in the file, written as RKE2 writes: elsewhere, and renamed over it.
void write_another_uid(cluster::Node& node, const std::string& file) {
  const Deadline deadline = Deadline::after(seconds(20));
  const std::string beside = node.data_dir() + "/agent/hookshot-lab-test.yaml";
  const std::vector<std::vector<std::string>> steps = {
      {"cp", "--preserve=all", file, beside},
      {"sed",
       "-i",
       R"(s/^\(  uid: "\{0,1\}\)e/\1f/;t;s/^\(  uid: "\{0,1\}\)[0-9a-f]/\1e/)",
       beside},
      {"mv", beside, file}};
  for (const std::vector<std::string>& argv : steps) {
    const auto done = node.run({.argv = argv}, deadline);
    ASSERT_TRUE(done) << argv.front() << ": " << done.error().message();
    ASSERT_EQ(done->exit_status, 0) << argv.front() << ": " << done->err;
  }
}

// What is written meanwhile is read by everybody but kubelet, and by kubelet afterwards.
TEST_F(OnTheLab, a_manifest_that_is_late_is_felt_by_kubelet_alone) {
  allow();
  settle();
  const std::string file = node().data_dir() + "/agent/pod-manifests/kube-scheduler.yaml";
  const std::string before = container_of("kube-scheduler");
  const Heartbeat heartbeat({&node()}, cluster_->name(), seconds(3));
  const Standing late = stands("delay-manifest", {{"pod", "kube-scheduler"}, {"duration", "15s"}});
  ASSERT_EQ(late.outcome.outcome, "applied") << late.outcome.reason;
  const Json evidence = json_object(late.outcome.record, "evidence");
  EXPECT_TRUE(json_bool(evidence, "stretched"));
  const std::string pid = std::to_string(json_int(evidence, "pid"));
  EXPECT_EQ(on_node({"cat", "/proc/" + pid + "/comm"}), "kubelet\n");
  const std::string text = node().read_file(file, Deadline::after(seconds(5))).value();
  const std::string uid = json_string(evidence, "pod_uid");
  EXPECT_EQ(uid.size(), 32U) << uid;
  EXPECT_THAT(text, HasSubstr(uid));
  write_another_uid(node(), file);
  EXPECT_NE(node().read_file(file, Deadline::after(seconds(5))).value(), text);
  EXPECT_EQ(container_of("kube-scheduler"), before) << "kubelet has not read it yet";
  const Status undone =
      await_undone(node(), cluster_->name(), late.id, Deadline::after(minutes(1)));
  ASSERT_TRUE(undone) << undone.error().message();
  EXPECT_NE(another(
                "container, as kubelet makes the pod anew",
                before,
                [] { return container_of("kube-scheduler"); },
                seconds(60)),
            "");
  nothing_is_left();
  settle();
}

TEST_F(OnTheLab, a_late_manifest_is_let_go_when_it_is_healed_before_its_time) {
  allow();
  const Standing late = stands("delay-manifest", {{"pod", "kube-scheduler"}, {"duration", "5m"}});
  ASSERT_EQ(late.outcome.outcome, "applied") << late.outcome.reason;
  const HealReport report =
      heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(1)));
  EXPECT_TRUE(report.clean());
  ASSERT_EQ(report.records.size(), 1U);
  EXPECT_THAT(report.records[0].summary, HasSubstr("let through with the end of who held it"));
  nothing_is_left();
  settle();
}

}  // namespace
}  // namespace harness::fault
