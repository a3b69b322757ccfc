#include "harness/guard/snapshot.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kGroup = "cg/cpu/system.slice/rke2-server.service";

class Snapshot : public testing::Test {
 protected:
  Snapshot() {
    record_ = armed_record("h-1").record;
    record_.data_dir = (folder_ / "rke2").string();
    means_ = means_of();
    means_.proc = (folder_ / "proc").string();
    places_ = {.cgroups = (folder_ / "cg").string(), .mounts = (folder_ / "mounts").string()};
    put("rke2/agent/pod-manifests/etcd.yaml", "etcd");
    put("rke2/server/tls/etcd/server-client.crt", "certificate");
    put(std::string(kGroup) + "/cpu.cfs_quota_us", "-1\n");
    put("cg/pods/a/io.max", "");
    put("mounts",
        "22 1 8:1 / / rw - ext4 /dev/vda rw\n29 22 0:3 / /run/k3s/x rw - tmpfs tmpfs rw\n");
    put("proc/41/stat", stat_of(41, 'S', 700));
    put("proc/41/comm", "etc d\n");
    tools_.answer("nft", R"(echo '{"nftables": [{"table": {"family": "ip", "name": "nat"}}]}')");
    tools_.answer("tc",
                  R"(echo '[{"kind": "noqueue", "handle": "0:", "dev": "lo", "root": true}]')");
    tools_.answer("systemctl", "shift; for unit; do echo active; done");
  }

  static std::string stat_of(int pid, char state, int ticks) {
    return fmt::format(
        "{} (etc d) {} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 {} 0", pid, state, ticks);
  }

  void put(const std::string& file, const std::string& text) const {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }

  std::string in(const std::string& file) const { return (folder_ / file).string(); }

  Json look() const { return take_snapshot(record_, means_, places_); }

  std::vector<Difference> since(const Json& before, const Json& held = Json::object()) const {
    return differences(before, look(), record_, held);
  }

  // The one difference there is.
  Difference only(const Json& before, const Json& held = Json::object()) const {
    const auto all = since(before, held);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Difference{} : all.front();
  }

  TestFolder folder_;
  FakeTools tools_{folder_.path()};
  ArmRecord record_;
  Means means_;
  SnapshotPlaces places_;
};

TEST_F(Snapshot, of_a_node_that_stays_as_it_is_shows_no_difference) {
  const Json before = look();
  EXPECT_THAT(before["unread"], IsEmpty()) << before;
  EXPECT_EQ(before["entries"].size(), 12U) << before;
  EXPECT_THAT(since(before), IsEmpty());
}

TEST_F(Snapshot, tells_a_table_of_ours_from_everybody_elses) {
  const Json before = look();
  tools_.answer("nft", R"(echo '{"nftables": [{"table": {"family": "ip", "name": "nat"}},
    {"table": {"family": "inet", "name": "hookshot_h_1"}}]}')");
  const Difference ours = only(before);
  EXPECT_EQ(ours.what, "table inet hookshot_h_1");
  EXPECT_TRUE(ours.ours);
  tools_.answer("nft", R"(echo '{"nftables": [{"table": {"family": "ip", "name": "filter"}}]}')");
  for (const Difference& one : since(before)) {
    EXPECT_FALSE(one.ours) << one.what;
  }
  EXPECT_EQ(since(before).size(), 2U);
}

TEST_F(Snapshot, knows_a_qdisc_by_its_handle_and_its_device) {
  const Json before = look();
  tools_.answer("tc", R"(echo '[{"kind": "prio", "handle": "7a57:", "dev": "lo", "root": true}]')");
  const Json held = {{"kind", "netem"}, {"devices", {"lo"}}};
  EXPECT_TRUE(only(before, held).ours);
  EXPECT_EQ(only(before, held).was, "noqueue 0:");
  EXPECT_FALSE(only(before, {{"kind", "netem"}, {"devices", {"eth0"}}}).ours);
  tools_.answer("tc", R"(echo '[{"kind": "fq", "handle": "1:", "dev": "lo", "root": true}]')");
  EXPECT_FALSE(only(before, held).ours);
}

TEST_F(Snapshot, sees_a_quota_and_a_limit_of_ours_and_leaves_others) {
  const Json before = look();
  put(std::string(kGroup) + "/cpu.cfs_quota_us", "20000\n");
  EXPECT_TRUE(only(before, {{"kind", "slowed"}, {"ours", "20"}}).ours);
  EXPECT_FALSE(only(before, {{"kind", "slowed"}, {"ours", "10"}}).ours);
  put(std::string(kGroup) + "/cpu.cfs_quota_us", "-1\n");
  const std::string limit = "rbps=max wbps=max riops=9 wiops=9";
  put("cg/pods/a/io.max", "8:0 " + limit + "\n");
  const Json held = {{"kind", "throttled"}, {"file", in("cg/pods/a/io.max")}, {"limit", limit}};
  EXPECT_TRUE(only(before, held).ours);
  put("cg/pods/a/io.max", "8:0 rbps=max wbps=max riops=77 wiops=max\n");
  EXPECT_FALSE(only(before, held).ours);
}

TEST_F(Snapshot, tells_what_rke2_wrote_from_what_a_fault_put_there) {
  const Json before = look();
  const std::string manifest = "rke2/agent/pod-manifests/etcd.yaml";
  const Json held = {{"kind", "manifest"}, {"path", in(manifest)}, {"ours", "broken"}};
  put(manifest, "broken");
  EXPECT_TRUE(only(before, held).ours);
  put(manifest, "written by rke2");
  EXPECT_FALSE(only(before, held).ours);
  put(manifest, "etcd");
  put("rke2/agent/.hookshot-h-1-etcd.yaml", "etcd");
  EXPECT_TRUE(only(before, held).ours);
  fs::remove(in("rke2/agent/.hookshot-h-1-etcd.yaml"));
  put("rke2/agent/.hookshot-h-2-etcd.yaml", "etcd");
  EXPECT_FALSE(only(before, held).ours);
}

TEST_F(Snapshot, sees_exactly_the_processes_that_are_still_stopped) {
  const Json before = look();
  put("proc/41/stat", stat_of(41, 'T', 700));
  const Json held = {{"kind", "frozen"}, {"processes", {{{"pid", 41}, {"start_ticks", 700}}}}};
  EXPECT_TRUE(only(before, held).ours);
  EXPECT_EQ(only(before, held).is, "etc d");
  put("proc/41/stat", stat_of(41, 'T', 701));
  EXPECT_FALSE(only(before, held).ours) << "another process by that number";
}

TEST_F(Snapshot, sees_a_service_and_a_keeper_that_did_not_come_back) {
  const Json before = look();
  tools_.answer("systemctl",
                "shift; for unit; do case $unit in rke2*|chrony.*) echo failed;; *) echo active;; "
                "esac; done");
  int ours = 0;
  for (const Difference& one : since(before, {{"kind", "stopped"}, {"unit", record_.unit}})) {
    EXPECT_EQ(one.ours, one.what == "service rke2-server.service") << one.what;
    ours += one.ours ? 1 : 0;
  }
  EXPECT_EQ(ours, 1);
  // The boot unit goes before rke2, which is then inactive by itself.
  const Json earlier = {{"kind", "stopped"}, {"unit", record_.unit}, {"boot_id", "an earlier one"}};
  for (const Difference& one : since(before, earlier)) {
    EXPECT_FALSE(one.ours) << one.what;
  }
  for (const Difference& one :
       since(before, {{"kind", "clock"}, {"keepers", {"chrony.service"}}})) {
    EXPECT_EQ(one.ours, one.what == "service chrony.service") << one.what;
  }
}

TEST_F(Snapshot, sees_a_clock_that_is_off_by_what_it_jumped_in_the_same_boot) {
  Json before = look();
  record_.action = {.kind = Action::Kind::clock, .amounts = {{"offset_ms", -60'000}}};
  before["wall_us"] = json_int(before, "wall_us") + 60'000'000;
  EXPECT_TRUE(only(before).ours);
  before["wall_us"] = json_int(before, "wall_us") - 58'000'000;
  EXPECT_FALSE(only(before).ours) << "somebody else set it right by two seconds";
  before["boot_id"] = "another";
  EXPECT_THAT(since(before), IsEmpty());
}

TEST_F(Snapshot, compares_nothing_that_gave_no_answer_and_says_so) {
  const Json before = look();
  tools_.answer("nft", "exit 1");
  tools_.answer("tc", "exit 1");
  EXPECT_THAT(since(before), IsEmpty());
  RecordState state = armed_record("h-1");
  state.record = record_;
  const Compared compared = compare(state, before, means_, std::chrono::milliseconds(0), places_);
  EXPECT_THAT(compared.summary,
              AllOf(HasSubstr("as it was before"), HasSubstr("not compared: qdisc, table")));
  EXPECT_THAT(compare(state, Json(), means_, std::chrono::milliseconds(0), places_).summary,
              HasSubstr("no snapshot"));
}

TEST_F(Snapshot, leaves_out_mounts_of_pods_and_names_what_others_changed) {
  const Json before = look();
  put("mounts", "22 1 8:1 / / rw - ext4 /dev/vda rw\n30 22 0:4 / /mnt/x rw - xfs /dev/vdb rw\n");
  RecordState state = armed_record("h-1");
  state.record = record_;
  const Compared compared = compare(state, before, means_, std::chrono::milliseconds(0), places_);
  EXPECT_THAT(compared.left, IsEmpty());
  EXPECT_EQ(compared.changed, Json({"mount /mnt/x: was '', is 'xfs'"}));
  EXPECT_THAT(compared.summary, HasSubstr("otherwise changed since: mount /mnt/x"));
}

class Compares : public testing::Test, public NodeInFolder {};

TEST_F(Compares, whatever_the_undo_says_of_itself) {
  RecordState state = armed_record("h-1");
  state.progress["state"] = "APPLIED";
  // Made by a guard that died before it kept what it holds.
  ASSERT_TRUE(store_.create(state, take_snapshot(state.record, means_of())));
  EXPECT_FALSE(store_.snapshot_of("h-1").is_null());
  tools_.answer("nft", R"(case "$*" in *tables*) echo '{"nftables": [{"table":
    {"family": "inet", "name": "hookshot_h_1"}}]}';; *) echo '{"nftables": []}';; esac)");
  const Healed dirty = undo(store_, "h-1", "asked");
  EXPECT_EQ(dirty.state, "DIRTY");
  EXPECT_THAT(dirty.summary, HasSubstr("table inet hookshot_h_1"));
  EXPECT_TRUE(store_.quarantined());
  EXPECT_FALSE(store_.snapshot_of("h-1").is_null()) << "the next try compares, too";
  tools_.answer("nft", "echo '{\"nftables\": []}'");
  const Healed clean = undo(store_, "h-1", "asked");
  EXPECT_EQ(clean.state, "VERIFIED");
  EXPECT_THAT(clean.summary, HasSubstr("as it was before"));
  EXPECT_TRUE(store_.snapshot_of("h-1").is_null()) << "it tells much of the node";
  EXPECT_FALSE(fs::exists(store_.done_dir() + "/h-1/snapshot.json"));
}

TEST_F(Compares, as_arming_has_taken_it) {
  RecordState state = armed_record("h-1");
  state.record.action = {};
  fs::create_directories(disk_.places().units);
  const Said said = said_by([&] { return verb_arm(store_, to_json(state.record)); });
  ASSERT_TRUE(said.status) << said.status.error().message();
  const Json snapshot = store_.snapshot_of("h-1");
  EXPECT_EQ(json_string(snapshot, "boot_id"), boot_id());
  EXPECT_TRUE(json_object(snapshot, "entries").contains("mount /")) << snapshot;
}

}  // namespace
}  // namespace harness::guard
