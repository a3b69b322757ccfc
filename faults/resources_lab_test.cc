// Resources of a real node that are taken away: felt while it lasts, there again afterwards.

#include <cstdlib>

#include "faults/lab_fixture.h"
#include "harness/base/eventually.h"

namespace harness::fault {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class ResourcesOnTheLab : public OnTheLab {
 protected:
  // The node takes back what stands by itself; what never came, whoever armed it does.
  static void is_undone(const Standing& standing) {
    if (standing.outcome.outcome != "applied") {
      EXPECT_TRUE(
          heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(1))).clean());
    }
    const Status undone =
        await_undone(node(), cluster_->name(), standing.id, Deadline::after(minutes(2)));
    EXPECT_TRUE(undone) << undone.error().message();
    nothing_is_left();
  }

  void SetUp() override {
    OnTheLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    allow();
    settle();
    heartbeat_ = std::make_unique<Heartbeat>(
        std::vector<cluster::Node*>{&node()}, cluster_->name(), seconds(3));
  }

  void TearDown() override { heartbeat_.reset(); }

  std::unique_ptr<Heartbeat> heartbeat_;
};

TEST_F(ResourcesOnTheLab, burnt_cpu_is_seen_and_its_unit_gone_afterwards) {
  const Standing standing = stands("burn-cpu", {{"cores", "1"}, {"duration", "3s"}});
  EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("process burn CPU"));
  EXPECT_THAT(on_node({"systemctl", "is-active", "hookshot-hog-" + standing.id + ".service"}),
              HasSubstr("active"));
  is_undone(standing);
  EXPECT_THAT(on_node({"systemctl", "list-units", "--all", "--plain", "--no-legend", "hookshot-*"}),
              testing::Not(HasSubstr("hookshot-hog")));
}

TEST_F(ResourcesOnTheLab, memory_is_taken_down_to_what_is_left_and_given_back) {
  const auto available_mb = [] {
    const std::string text = on_node({"cat", "/proc/meminfo"});
    const std::size_t at = text.find("MemAvailable:");
    return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + 13) / 1024;
  };
  const long long before = available_mb();
  ASSERT_GT(before, 2000);
  // The memory is the host's: some of it is enough.
  const Standing standing =
      stands("memory-pressure", {{"leave", std::to_string(before - 800)}, {"duration", "3s"}});
  EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("MB of memory taken"));
  is_undone(standing);
}

TEST_F(ResourcesOnTheLab, an_ended_certificate_refuses_a_handshake_until_it_is_back) {
  const std::string ca = node().data_dir() + "/server/tls/etcd/server-ca.crt";
  const Standing standing =
      stands("expire-certificate", {{"what", "etcd-server"}, {"duration", "5s"}});
  EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
  EXPECT_THAT(standing.outcome.evidence, HasSubstr("port 2379 shows it"));
  const auto refused = node().run({.argv = {"openssl",
                                            "s_client",
                                            "-connect",
                                            "127.0.0.1:2379",
                                            "-CAfile",
                                            ca,
                                            "-verify_return_error"}},
                                  Deadline::after(seconds(30)));
  ASSERT_TRUE(refused) << refused.error().message();
  EXPECT_THAT(refused->out + refused->err, HasSubstr("certificate has expired"));
  is_undone(standing);
  settle();
}

TEST_F(ResourcesOnTheLab, a_full_disk_is_felt_by_etcds_filesystem_and_over_with_its_holder) {
  const std::string db = node().data_dir() + "/server/db";
  const InjectRequest made = request("fill-disk", {{"what", "etcd"}, {"duration", "3s"}});
  const Status refused =
      arm(node(), made.fault, made.arm, Deadline::after(std::chrono::minutes(1)));
  ASSERT_FALSE(refused) << "the lab's disk is its host's";
  EXPECT_EQ(refused.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(refused.error().message(), HasSubstr("--allow-root-fill"));
  // A filesystem of its own, beside the one that etcd has open.
  ASSERT_EQ(on_node({"mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", db}), "");
  const Standing standing = stands("fill-disk", {{"what", "etcd"}, {"duration", "3s"}});
  EXPECT_EQ(standing.outcome.outcome, "applied") << standing.outcome.reason;
  const auto full =
      node().run({.argv = {"dd", "if=/dev/zero", "of=" + db + "/probe", "bs=64k", "count=1"}},
                 Deadline::after(seconds(20)));
  ASSERT_TRUE(full);
  EXPECT_THAT(full->err, HasSubstr("No space left on device"));
  is_undone(standing);
  EXPECT_THAT(on_node({"dd", "if=/dev/zero", "of=" + db + "/probe", "bs=64k", "count=1"}),
              testing::Not(HasSubstr("failed")));
  on_node({"umount", db});
}

TEST_F(ResourcesOnTheLab, what_a_container_cannot_do_is_said) {
  for (const auto& [name, params, why] :
       {std::tuple<const char*, Params, const char*>{"clock-jump", {}, "container"},
        {"slow-disk", {{"pod", "etcd"}}, "cgroup v2"}}) {
    const Standing standing = stands(name, params);
    EXPECT_EQ(standing.outcome.outcome, "unsupported") << name;
    EXPECT_THAT(standing.outcome.reason, HasSubstr(why)) << name;
    is_undone(standing);
  }
}

}  // namespace
}  // namespace harness::fault
