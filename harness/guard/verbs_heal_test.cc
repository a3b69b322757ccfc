// What heal finds beside the records: orphans and a quarantine.
#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Heal : public testing::Test, public NodeInFolder {
 protected:
  std::vector<std::string> heal(const std::string& run = "*") {
    const Said said = said_by([&] {
      return verb_heal(store_, {{"cluster", "lab"}, {"run", run}});
    });
    EXPECT_TRUE(said.status) << said.status.error().message();
    std::vector<std::string> out;
    summaries_.clear();
    for (const Json& line : said.lines) {
      out.push_back(json_string(line, "id") + " " + json_string(line, "state"));
      summaries_.push_back(json_string(line, "summary"));
    }
    return out;
  }

  // Tables that go when they are deleted.
  void tables(const std::vector<std::pair<std::string, std::string>>& all) const {
    fs::create_directories(folder_ / "tables");
    for (const auto& [family, name] : all) {
      std::ofstream(folder_ / "tables" / name)
          << "{\"table\": {\"family\": \"" << family << "\", \"name\": \"" << name << "\"}}";
    }
    tools_.answer("nft",
                  "cd " + (folder_ / "tables").string() +
                      R"(; [ "$1" = delete ] && rm -f "$4"; printf '{"nftables": ['; s=''
for one in *; do [ -e "$one" ] && { printf '%s' "$s"; cat "$one"; s=,; }; done; echo ']}')");
  }

  void qdiscs(const std::string& json) const {
    std::ofstream(folder_ / "qdiscs") << json;
    tools_.answer("tc",
                  "cd " + folder_.string() +
                      "; case \"$*\" in *del*) echo '[]' > qdiscs;; *) cat qdiscs;; esac");
  }

  std::vector<std::string> summaries_;
};

constexpr const char* kOurQdiscs =
    R"([{"kind": "prio", "handle": "7a57:", "root": true, "dev": "eth0"},
        {"kind": "netem", "handle": "7a58:", "parent": "7a57:4", "dev": "eth0"},
        {"kind": "fq", "handle": "1:", "root": true, "dev": "eth1"}])";

TEST_F(Heal, sweeps_what_bears_our_name_and_is_of_no_record) {
  systemd_.add("hookshot-hog-h-7.service");
  systemd_.add("hookshot-trig-h-8.service");
  systemd_.add("hookshot-rv-h-8.timer");
  tables({{"inet", "hookshot_x"}, {"ip", "nat"}, {"inet", "somebodys"}});
  qdiscs(kOurQdiscs);
  EXPECT_THAT(heal(),
              ElementsAre("unit hookshot-hog-h-7.service VERIFIED",
                          "unit hookshot-rv-h-8.timer VERIFIED",
                          "unit hookshot-trig-h-8.service VERIFIED",
                          "nft table inet hookshot_x VERIFIED",
                          "qdisc prio 7a57: on eth0 VERIFIED"));
  EXPECT_TRUE(systemd_.units().empty());
  EXPECT_FALSE(fs::exists(folder_ / "tables" / "hookshot_x"));
  EXPECT_TRUE(fs::exists(folder_ / "tables" / "nat"));
  EXPECT_TRUE(fs::exists(folder_ / "tables" / "somebodys"));
  EXPECT_THAT(tools_.asked(), HasSubstr("tc qdisc del dev eth0 root handle 7a57:"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("eth1")));
  EXPECT_THAT(heal(), ElementsAre());
}

TEST_F(Heal, leaves_alone_what_we_did_not_put_there_and_says_so) {
  systemd_.add("hookshot-trig-Not_Ours.service");
  tables({{"ip", "hookshot_x"}, {"inet", "hookshot_UPPER"}});
  qdiscs(R"([{"kind": "prio", "handle": "7a57:", "root": true, "dev": "eth0"},
             {"kind": "tbf", "handle": "9:", "parent": "7a57:4", "dev": "eth0"},
             {"kind": "netem", "handle": "7a58:", "root": true, "dev": "eth1"}])");
  EXPECT_THAT(heal(),
              ElementsAre("unit hookshot-trig-Not_Ours.service DIRTY",
                          "nft table inet hookshot_UPPER DIRTY",
                          "nft table ip hookshot_x DIRTY",
                          "qdisc prio 7a57: on eth0 DIRTY",
                          "qdisc netem 7a58: on eth1 DIRTY",
                          "quarantine DIRTY"));
  EXPECT_THAT(summaries_[3], HasSubstr("somebody put tbf 9: below it"));
  EXPECT_TRUE(systemd_.has("hookshot-trig-Not_Ours.service"));
  EXPECT_TRUE(fs::exists(folder_ / "tables" / "hookshot_x"));
  EXPECT_THAT(tools_.asked(), Not(HasSubstr("qdisc del")));
}

TEST_F(Heal, takes_no_silence_for_clean) {
  ASSERT_TRUE(store_.quarantine("h-1: dirty"));
  tools_.answer("systemctl", "exit 1");
  tools_.answer("tc", "echo 'no answer from the kernel' >&2; exit 2");
  EXPECT_THAT(heal(),
              ElementsAre("unit list of systemd, which did not answer DIRTY",
                          "qdiscs of tc DIRTY",
                          "quarantine DIRTY"));
  EXPECT_TRUE(store_.quarantined());
}

TEST_F(Heal, lifts_the_quarantine_only_when_nothing_is_left) {
  ASSERT_TRUE(store_.quarantine("h-1: dirty"));
  tables({{"ip", "hookshot_x"}});
  EXPECT_THAT(heal(), ElementsAre("nft table ip hookshot_x DIRTY", "quarantine DIRTY"));
  EXPECT_THAT(summaries_[1], HasSubstr("nft table ip hookshot_x"));
  tables({{"inet", "hookshot_y"}});
  fs::remove(folder_ / "tables" / "hookshot_x");
  EXPECT_THAT(heal(), ElementsAre("nft table inet hookshot_y VERIFIED", "quarantine VERIFIED"));
  EXPECT_FALSE(store_.quarantined());
}

TEST_F(Heal, leaves_what_another_run_has_armed_and_its_quarantine) {
  RecordState other = armed_record("h-2");
  other.record.run = "other";
  other.progress["held"] = {{"kind", "netem"}, {"devices", {"eth0"}}};
  ASSERT_TRUE(store_.create(other));
  systemd_.add("hookshot-rv-h-2.timer");
  systemd_.add("hookshot-trig-h-2.service");
  tables({{"inet", "hookshot_h_2"}});
  qdiscs(kOurQdiscs);
  EXPECT_THAT(heal("r"), ElementsAre());
  ASSERT_TRUE(store_.quarantine("h-1: dirty"));
  EXPECT_THAT(heal("r"), ElementsAre("quarantine DIRTY"));
  EXPECT_THAT(summaries_[0], HasSubstr("record h-2 of run other is ARMED"));
  EXPECT_EQ(systemd_.units().size(), 2U);
  EXPECT_TRUE(fs::exists(folder_ / "tables" / "hookshot_h_2"));
}

TEST_F(Heal, does_not_end_an_undo_that_waits_for_the_lock) {
  RecordState over = armed_record("h-1");
  ASSERT_TRUE(store_.create(over));
  over.progress["state"] = "VERIFIED";
  ASSERT_TRUE(store_.finish(over));
  systemd_.add("hookshot-rv-h-1.service");
  EXPECT_THAT(heal(), ElementsAre());
  EXPECT_TRUE(systemd_.has("hookshot-rv-h-1.service"));
}

}  // namespace
}  // namespace harness::guard
