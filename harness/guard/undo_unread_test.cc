// Records that cannot be read, or are another build's, and what they did to the node.
#include <csignal>

#include <gmock/gmock.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kTable =
    "case \"$*\" in *delete*) : > gone;; esac; [ -e gone ] && echo '{\"nftables\": []}' || echo "
    "'{\"nftables\": [{\"table\": {\"family\": \"inet\", \"name\": \"hookshot_h_1\"}}]}'";

enum class Damage { cut_off, another_build };

class Unread : public testing::TestWithParam<Damage>, public NodeInFolder {
 protected:
  void SetUp() override { ASSERT_TRUE(beat(disk_.places().run)); }

  std::string file(const char* name) const { return store_.armed_dir() + "/h-1/" + name; }

  void damage() const {
    const std::string whole = read_whole(file("record.json")).value();
    Json other = parse_json(whole).value();
    other["added_by_another_build"] = 1;
    std::ofstream(file("record.json"))
        << (GetParam() == Damage::cut_off ? whole.substr(0, whole.size() / 2) : other.dump());
    ASSERT_EQ(store_.unreadable(), std::vector<std::string>{"h-1"});
  }

  void arm(Json held) {
    RecordState state = armed_record("h-1");
    state.record.data_dir = (folder_ / "data").string();
    state.progress["state"] = "APPLIED";
    held["boot_id"] = boot_id();
    state.progress["held"] = std::move(held);
    ASSERT_TRUE(store_.create(state));
    systemd_.add("hookshot-rv-h-1.timer");
    systemd_.add("hookshot-trig-h-1.service");
    damage();
  }

  Process frozen() {
    const Process victim = children_.start_one();
    kill(victim.pid, SIGSTOP);
    arm(held_of("etcd", {victim}));
    return victim;
  }

  // The manifest is away, its copy beside the record.
  std::string moved() {
    fs::create_directories(folder_ / "data/agent/pod-manifests");
    const std::string path = (folder_ / "data/agent/pod-manifests/etcd.yaml").string();
    arm({{"kind", "manifest"},
         {"unit", "rke2-server.service"},
         {"path", path},
         {"mode", 0600},
         {"uid", getuid()},
         {"gid", getgid()},
         {"label", ""},
         {"away", true},
         {"in_place", false},
         {"ours", ""}});
    std::ofstream(store_.before_of("h-1")) << "kind: Pod\n";
    return path;
  }

  Said heal() {
    return said_by([&] { return verb_heal(store_, {{"cluster", "lab"}}); });
  }

  void expect_gone(const Said& said) const {
    ASSERT_TRUE(said.status) << said.status.error().message();
    ASSERT_EQ(said.lines.size(), 1U);
    EXPECT_EQ(said.lines[0]["state"], "VERIFIED") << said.lines[0];
    EXPECT_THAT(json_string(said.lines[0], "summary"),
                AllOf(HasSubstr("cannot be read"), HasSubstr("/broken")));
    expect_nothing_left();
  }

  void expect_nothing_left() const {
    EXPECT_TRUE(store_.armed_ids().empty());
    EXPECT_FALSE(store_.quarantined());
    EXPECT_TRUE(systemd_.units().empty());
    EXPECT_TRUE(fs::exists(store_.dir() + "/broken/h-1/record.json"));
  }

  Children children_;
};

TEST_P(Unread, is_released_by_what_its_state_holds_when_it_is_healed) {
  const Process victim = frozen();
  expect_gone(heal());
  EXPECT_NE(state_of(victim), 'T');
}

TEST_P(Unread, is_released_when_it_is_reverted) {
  const std::string path = moved();
  expect_gone(said_by([&] { return verb_revert(store_, {{"cluster", "lab"}, {"id", "h-1"}}); }));
  EXPECT_EQ(read_whole(path).value_or(""), "kind: Pod\n");
}

TEST_P(Unread, is_released_when_its_timer_comes) {
  const Process victim = frozen();
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_NE(state_of(victim), 'T');
  expect_nothing_left();
}

TEST_P(Unread, is_released_by_a_boot) {
  const std::string path = moved();
  disk_.reboot();
  EXPECT_EQ(run_boot(store_), 0);
  EXPECT_EQ(read_whole(path).value_or(""), "kind: Pod\n");
  expect_nothing_left();
}

TEST_P(Unread, that_cannot_be_released_is_dirty_and_tried_again) {
  arm({{"kind", "what this build does not do"}});
  EXPECT_EQ(run_expire(store_, "h-1"), 1);
  EXPECT_TRUE(store_.quarantined());
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-1.timer"));
  EXPECT_FALSE(systemd_.has("hookshot-trig-h-1.service"));
  const Said said = heal();
  ASSERT_EQ(said.lines.size(), 2U);
  EXPECT_EQ(said.lines[0]["state"], "DIRTY");
  EXPECT_THAT(json_string(said.lines[0], "summary"),
              HasSubstr("no way back from 'what this build"));
  EXPECT_EQ(said.lines[1]["id"], "quarantine");
  EXPECT_EQ(said.lines[1]["state"], "DIRTY");
}

TEST_P(Unread, without_its_state_too_is_dirty_until_a_reboot_though_its_table_is_gone) {
  tools_.answer("nft", "cd " + folder_.string() + "; " + kTable);
  const Process victim = frozen();
  std::ofstream(file("state.json")) << "{";
  for (int i = 0; i < 2; ++i) {
    const Said said = heal();
    EXPECT_EQ(said.lines.at(0)["state"], "DIRTY") << "time " << i;
    EXPECT_THAT(json_string(said.lines[0], "summary"), HasSubstr("reboot the node"));
  }
  EXPECT_TRUE(fs::exists(folder_ / "gone"));
  EXPECT_TRUE(store_.quarantined());
  EXPECT_EQ(state_of(victim), 'T') << "nobody could know";
  // As the node comes back.
  Json note = store_.undo_note("h-1");
  note["unknown_in"] = "the boot before";
  ASSERT_TRUE(store_.note_undo("h-1", note));
  const Said after = heal();
  EXPECT_EQ(after.lines.at(0)["state"], "VERIFIED");
  EXPECT_THAT(json_string(after.lines[0], "summary"), HasSubstr("the node booted since"));
  EXPECT_EQ(after.lines.at(1)["id"], "quarantine");
  expect_nothing_left();
}

TEST_P(Unread, whose_state_is_lost_is_not_taken_for_one_that_was_never_armed) {
  frozen();
  fs::remove(file("state.json"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(heal().lines.at(0)["state"], "DIRTY") << "it has a timer, or had one";
  }
  const std::string copy = store_.before_of("h-1");
  std::ofstream(copy) << "kind: Pod\n";
  disk_.reboot();
  EXPECT_EQ(run_boot(store_), 1) << "no boot brings a file back that nobody can name";
  EXPECT_EQ(read_whole(copy).value_or(""), "kind: Pod\n");
}

TEST(SetAside, keeps_no_content_of_the_nodes_files_on_a_full_disk_either) {
  const TestFolder folder;
  Disk disk(folder);
  Store store(disk.places());
  for (const bool full : {false, true}) {
    disk.full = false;
    RecordState record = armed_record("h-1");
    record.progress["held"] = {{"kind", "manifest"}, {"ours", "HTTPS_PROXY=secret"}};
    ASSERT_TRUE(store.create(record));
    disk.full = full;
    ASSERT_TRUE(store.set_aside("h-1"));
    const std::string aside = store.dir() + "/broken/h-1";
    EXPECT_TRUE(fs::exists(aside + "/record.json"));
    EXPECT_EQ(fs::exists(aside + "/state.json"), !full);
    EXPECT_THAT(read_whole(aside + "/state.json").value_or(""), testing::Not(HasSubstr("secret")));
  }
}

INSTANTIATE_TEST_SUITE_P(Records,
                         Unread,
                         testing::Values(Damage::cut_off, Damage::another_build),
                         [](const auto& one) {
                           return one.param == Damage::cut_off ? "cut_off" : "another_builds";
                         });

}  // namespace
}  // namespace harness::guard
