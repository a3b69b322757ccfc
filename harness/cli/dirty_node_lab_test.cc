// A node that could not be healed ends every verb that hurts nodes with 5: hookshot as a process,
// by SSH, against a node whose guard is a script.

#include <memory>
#include <sstream>

#include <fmt/format.h>

#include "harness/cli/made_runs.h"
#include "harness/ssh/local_sshd.h"

namespace harness::cli {
namespace {

const std::string kFrom = "v1.30.12+rke2r1";
const std::string kTo = "v1.30.13-rc2+rke2r1";
const std::string kCase =
    "s/" + kFrom + "_to_" + kTo + "/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";

// The node: its sshd gives it each command line. It says of a verb what is in says/, and of a
// record what one that was applied at once says.
constexpr const char* kScript = R"(
tell() {
  sed "s/.*\"id\":\"\([a-z0-9-]*\)\".*/{\"type\":\"$1\",\"id\":\"\1\",$2}/" armed
}
case $SSH_ORIGINAL_COMMAND in
*sha256sum*) echo "$digest  guard"; exit;;
'/usr/bin/env LC_ALL=C /var/lib/hookshot/guard '*) ;;
*) exit 1;;
esac
verb=${SSH_ORIGINAL_COMMAND##* }
IFS= read -r record
echo "$verb" >> asked
case $verb in
arm) printf '%s\n' "$record" > armed; tell armed '"state":"ARMED"';;
status) [ -e armed ] &&
  tell record '"state":"APPLIED","outcome":"applied","evidence":{"summary":"seen"}';;
esac
[ -e says/$verb ] && cat says/$verb
echo '{"type":"done"}'
)";

class DirtyNode : public MadeRuns {
 protected:
  void SetUp() override {
    MadeRuns::SetUp();
    std::filesystem::create_directories(directory_ / "says");
    const std::string digest = hookshot({"guard"}).out.substr(0, 64);
    const std::string node =
        file("node", "#!/bin/sh\ncd " + directory_.string() + "\ndigest=" + digest + kScript);
    std::filesystem::permissions(node, std::filesystem::perms::owner_all);
    auto started = ssh::LocalSshd::start({"ForceCommand " + node});
    if (!started) {
      GTEST_SKIP() << started.error().message();
    }
    sshd_ = std::move(*started);
    const ssh::Target target = sshd_->target();
    file("inv.yaml",
         fmt::format("cluster: lab-a\nexpendable: true\n"
                     "ssh: {{user: {}, key: {}, known_hosts: {}, port: {}}}\n"
                     "nodes:\n  - {{name: cp-1, address: 127.0.0.1, roles: [server]}}\n"
                     "install: {{method: tarball, artifacts: {}}}\n",
                     target.user,
                     target.key_file.string(),
                     target.known_hosts.string(),
                     target.port,
                     (directory_ / "artifacts").string()));
    says("facts", facts(false));
    for (const char* version : {"v1.30.11+rke2r1", "v1.30.13-rc1+rke2r1"}) {
      release(version);
    }
    release(kFrom);
    release(kTo);
    suite_ = file("s.yaml",
                  fmt::format("suite: s\nquestion: q\npaths:\n  - {{versions: [{}, {}]}}\nmatrix:\n"
                              "  fault: [{{kill-pod: {{pod: kube-apiserver}}}}]\n"
                              "  window: [start-up-hooks]\n  offset: [0s]\n"
                              "  target: [first-server]\n",
                              kFrom,
                              kTo));
  }

  void TearDown() override {
    sshd_.reset();
    MadeRuns::TearDown();
  }

  void says(const std::string& verb, const Json& line) { file("says/" + verb, line.dump() + "\n"); }

  static Json facts(bool quarantine) {
    return {{"type", "facts"},
            {"boot_id", "b"},
            {"allow", "lab-a"},
            {"quarantine", quarantine},
            {"tools", {{"systemctl", true}, {"systemd-run", true}}},
            {"free_kb", {{"/run", 9'000'000}}}};
  }

  void lets_nothing_go() {
    says(
        "heal",
        {{"type", "healed"}, {"id", "h-1"}, {"state", "DIRTY"}, {"summary", "it does not let go"}});
  }

  // A run of the suite whose trial hit and failed, with its anchor.
  std::string failed_run() {
    const run::RunFolder folder = ran({{.name = kCase, .failed = 1}});
    std::ifstream in(folder.events());
    std::string events;
    for (std::string line; std::getline(in, line);) {
      Json event = *parse_json(line);
      if (json_string(event, "type") == "trial.started") {
        event.update({{"where", "inside"}, {"distance_us", 0}});
        event["anchor"] = {{"marker_of", "start-up-hooks"},
                           {"open", {{{"log", "Setting runtimes"}}}},
                           {"close", Json::array()},
                           {"offset_us", 0}};
      }
      events += event.dump() + "\n";
    }
    EXPECT_TRUE(folder.write("events.jsonl", events));
    Json run = *folder.read("run.json");
    run["suites"] = {suite_};
    EXPECT_TRUE(folder.write("run.json", run.dump()));
    return folder.path().string();
  }

  exec::CommandResult on_node(std::vector<std::string> words) {
    words.insert(words.end(), {"-i", inventory()});
    return hookshot(std::move(words));
  }

  // Every verb that plays trials.
  std::vector<std::vector<std::string>> playing() {
    const std::string earlier = failed_run();
    return {{"run", suite_, "--results", results()},
            {"run", suite_, "--json", "--results", results()},
            {"run", "--replay", earlier, "--results", results()},
            {"shrink", earlier + ":" + kCase, "--results", results()},
            {"selfcheck", "--results", results()},
            {"windows", "learn", "--from", kFrom, "--to", kTo, "--results", results()}};
  }

  bool asked(const std::string& verb) const {
    std::ifstream in(directory_ / "asked");
    for (std::string line; std::getline(in, line);) {
      if (line == verb) {
        return true;
      }
    }
    return false;
  }

  std::unique_ptr<ssh::LocalSshd> sshd_;
  std::string suite_;
};

TEST_F(DirtyNode, is_what_heal_says_with_5) {
  EXPECT_EQ(on_node({"heal"}).exit_status, 0) << "while it is clean";
  lets_nothing_go();
  const auto heal = on_node({"heal"});
  EXPECT_EQ(heal.exit_status, 5) << heal.err;
  EXPECT_THAT(heal.out, HasSubstr("NOT HEALED cp-1"));
  const auto json = on_node({"heal", "--json"});
  EXPECT_EQ(json.exit_status, 5);
  EXPECT_EQ(json_of(json)["dirty"].size(), 1U);
}

TEST_F(DirtyNode, is_what_an_injected_fault_says_with_5_whether_it_made_it_or_found_it) {
  const std::vector<std::string> words = {"fault", "inject", "none", "--node", "cp-1"};
  const auto clean = on_node(words);
  EXPECT_EQ(clean.exit_status, 0) << "while it is clean: " << clean.out << clean.err;
  lets_nothing_go();
  const auto made = on_node(words);
  EXPECT_EQ(made.exit_status, 5) << made.err;
  EXPECT_THAT(made.out, HasSubstr("NOT HEALED cp-1"));
  says("facts", facts(true));
  std::filesystem::remove(directory_ / "asked");
  const auto found = on_node(words);
  EXPECT_EQ(found.exit_status, 5);
  EXPECT_THAT(found.err, HasSubstr("cp-1 is in quarantine"));
  EXPECT_FALSE(asked("arm"));
}

TEST_F(DirtyNode, with_something_armed_that_does_not_let_go_ends_every_run_with_5) {
  lets_nothing_go();
  for (const std::vector<std::string>& words : playing()) {
    const auto end = on_node(words);
    EXPECT_EQ(end.exit_status, 5) << testing::PrintToString(words) << end.out << end.err;
    EXPECT_FALSE(asked("arm")) << words[0];
  }
}

TEST_F(DirtyNode, in_quarantine_ends_doctor_and_every_run_with_5) {
  EXPECT_NE(on_node({"doctor"}).exit_status, 5);
  says("facts", facts(true));
  EXPECT_EQ(on_node({"doctor"}).exit_status, 5);
  for (const std::vector<std::string>& words : playing()) {
    const auto end = on_node(words);
    EXPECT_EQ(end.exit_status, 5) << testing::PrintToString(words) << end.out << end.err;
    EXPECT_FALSE(asked("arm")) << words[0];
  }
}

}  // namespace
}  // namespace harness::cli
