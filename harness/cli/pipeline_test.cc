// What a pipeline asks of `run` and `windows check`: JSON to the end, GoogleTest's flags and
// shards, and exit statuses that tell a drift.

#include "harness/cli/cli_fixture.h"

namespace harness::cli {
namespace {

TEST_F(Cli, tells_early_errors_of_a_run_as_json_too) {
  const std::string smoke = kSource + "/suites/smoke.yaml";
  const std::string results = (directory_ / "results").string();
  const std::string bad = file("bad.yaml",
                               "suite: s\nquestion: q\npaths:\n  - {versions: [v1.30.12+rke2r1, "
                               "v1.30.13-rc2+rke2r1]}\nmatrixx: {}\n");
  for (const auto& [words, said] :
       {std::pair<std::vector<std::string>, std::string>{{bad, "-i", inventory()}, "bad.yaml:5:1"},
        {{smoke, "-i", "/nonexistent/inv.yaml"}, "/nonexistent/inv.yaml"},
        {{smoke, "-i", inventory(), "--time-limit", "soon"}, "--time-limit"},
        {{smoke, "-i", inventory(), "--results", results}, "none"}}) {
    std::vector<std::string> all = {"run", "--json"};
    all.insert(all.end(), words.begin(), words.end());
    const auto run = hookshot(all);
    EXPECT_EQ(run.exit_status, 2) << said;
    const Json json = json_of(run);
    EXPECT_EQ(json["verdict"], "error");
    EXPECT_EQ(json["exit_status"], 2);
    EXPECT_EQ(json["error"]["code"], "invalid input");
    EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr(said));
    EXPECT_THAT(run.err, HasSubstr(said)) << "and for people";
  }
}

TEST_F(Cli, tells_wrong_usage_as_json_too_where_the_verb_has_it) {
  for (const auto& [words, said] : {std::pair<std::vector<std::string>, std::string>{
                                        {"plan", "--json", "-i", inventory()}, "suites"},
                                    {{"doctor", "--json", "--deep", "-i", inventory()}, "--deep"},
                                    {{"run", "--json", "--repeat", "0"}, "--repeat"},
                                    {{"windows", "check", "--json", "--depe"}, "--depe"}}) {
    const auto wrong = hookshot(words);
    EXPECT_EQ(wrong.exit_status, 2) << said;
    const Json json = json_of(wrong);
    EXPECT_EQ(json["verdict"], "error") << said;
    EXPECT_EQ(json["exit_status"], 2);
    EXPECT_EQ(json["error"]["code"], "invalid input");
    EXPECT_THAT(json_string(json["error"], "message"), HasSubstr(said));
    EXPECT_THAT(wrong.err, HasSubstr(said)) << "and for people";
  }
  for (const std::vector<std::string>& words : {std::vector<std::string>{"doctor", "--deep"},
                                                {"lab", "up", "--json"},
                                                {"frobnicate", "--json"},
                                                {"plan", "--deep", "--", "--json"}}) {
    const auto wrong = hookshot(words);
    EXPECT_EQ(wrong.exit_status, 2) << words[0];
    EXPECT_EQ(wrong.out, "") << words[0];
  }
}

class Hosting : public Cli {
 protected:
  exec::CommandResult run(std::vector<std::string> more,
                          std::map<std::string, std::string> env = {},
                          const std::string& suite = "demo") {
    std::vector<std::string> words = {"run",
                                      kSource + "/suites/" + suite + ".yaml",
                                      "-i",
                                      inventory(),
                                      "--results",
                                      (directory_ / "results").string()};
    words.insert(words.end(), more.begin(), more.end());
    return hookshot(words, std::move(env));
  }

  bool touched() const { return std::filesystem::exists(directory_ / "results"); }
};

TEST_F(Hosting, lists_the_cases_and_touches_nothing) {
  const auto list = run({"--", "--gtest_list_tests"});
  EXPECT_EQ(list.exit_status, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("demo."));
  EXPECT_THAT(list.out, HasSubstr("kill-pod.etcd"));
  EXPECT_THAT(list.out, HasSubstr("kill-pod.kube-apiserver"));
  EXPECT_FALSE(touched());
}

TEST_F(Hosting, a_filter_with_a_typo_tests_nothing_and_is_no_success) {
  const auto none = run({"--", "--gtest_filter=*kil-pod*"});
  EXPECT_EQ(none.exit_status, 2);
  EXPECT_THAT(none.err, HasSubstr("no case matches --gtest_filter"));
  const auto json = run({"--json", "--", "--gtest_filter=*kil-pod*"});
  EXPECT_EQ(json.exit_status, 2);
  EXPECT_EQ(json_of(json)["error"]["code"], "invalid input");
  EXPECT_FALSE(touched());
}

TEST_F(Hosting, a_share_without_a_case_is_well_and_a_share_with_one_goes_to_work) {
  const auto share = [&](const std::string& index, std::vector<std::string> more = {}) {
    return run(
        std::move(more), {{"GTEST_TOTAL_SHARDS", "2"}, {"GTEST_SHARD_INDEX", index}}, "smoke");
  };
  const auto without = share("1");
  EXPECT_EQ(without.exit_status, 0) << without.err;
  EXPECT_THAT(without.out, HasSubstr("This shard has no case."));
  EXPECT_EQ(json_of(share("1", {"--json"}))["reason"], "This shard has no case.");
  const auto with = share("0");
  EXPECT_EQ(with.exit_status, 2) << "its artifacts are not there";
  EXPECT_THAT(with.err, HasSubstr("artifacts of v1.30.12+rke2r1"));
}

TEST_F(Hosting, repeats_nothing_that_could_not_be_prepared) {
  for (const char* anew : {"0", "1"}) {
    const auto again = run({"--",
                            "--gtest_repeat=3",
                            std::string("--gtest_recreate_environments_when_repeating=") + anew});
    EXPECT_EQ(again.exit_status, 2) << again.err;
    EXPECT_THAT(again.err, HasSubstr("artifacts of v1.30.12+rke2r1"));
  }
}

// One start of a server as `journalctl -o short-iso-precise` prints it, trimmed to its markers.
std::string journal(const std::string& changed = "", const std::string& into = "") {
  static const std::vector<std::pair<std::string, std::string>> kLines = {
      {"systemd[1]", "Starting rke2-server.service - Rancher Kubernetes Engine v2 (server)..."},
      {"", "Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d0123456789012345678901234567)"},
      {"", "Managed etcd cluster bootstrap already complete and initialized"},
      {"", "Starting temporary etcd to reconcile with datastore"},
      {"", "Reconciling bootstrap data between datastore and disk"},
      {"",
       "Runtime image index.docker.io/rancher/rke2-runtime:v1.30.13-rc2-rke2r1 bin and charts "
       "directories already exist; skipping extract"},
      {"", "containerd is now running"},
      {"", "Running kubelet --node-name=cp-1"},
      {"", "Starting etcd for existing cluster member"},
      {"", "Connection to etcd is ready"},
      {"", "Pod for etcd is synced"},
      {"", "Pod for kube-apiserver is synced"},
      {"", "Kube API server is now running"},
      {"", "Applying Cluster Role Bindings"},
      {"", "Cluster Role Bindings applied successfully"},
      {"", "Setting runtimes"},
      {"", "rke2 is up and running"},
      {"systemd[1]", "Started rke2-server.service - Rancher Kubernetes Engine v2 (server)."}};
  std::string out;
  int second = 10;
  for (const auto& [ident, text] : kLines) {
    const std::string line = !changed.empty() && text == changed ? into : text;
    const std::string at = "2025-05-16T09:07:" + std::to_string(second++);
    out += at + ".123456+0000 cp-1 " + (ident.empty() ? "rke2[4711]" : ident) + ": " +
           (ident.empty() ? "time=\"" + at + "Z\" level=info msg=\"" + line + "\"" : line) + "\n";
  }
  return out;
}

TEST_F(Cli, finds_a_journal_that_is_as_the_packs_have_it) {
  const auto check = hookshot({"windows", "check", "--json", file("good.txt", journal())});
  EXPECT_EQ(check.exit_status, 0) << check.out << check.err;
  const Json json = json_of(check);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_THAT(check.out, HasSubstr("v1.30.13-rc2+rke2r1"));
  EXPECT_THAT(check.out, HasSubstr("start-up-hooks"));
}

TEST_F(Cli, exits_with_1_where_a_journal_drifts_from_the_packs) {
  const std::string path = file("drift.txt", journal("rke2 is up and running", "rke2 is flying"));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 1) << check.out << check.err;
  EXPECT_THAT(json_of(check).dump(), HasSubstr("is flying"));
  const auto people = hookshot({"windows", "check", path});
  EXPECT_EQ(people.exit_status, 1);
  EXPECT_THAT(people.out, HasSubstr("is flying"));
  EXPECT_EQ(hookshot({"windows", "check", file("none.txt", "nothing of rke2\n")}).exit_status, 2);
}

TEST_F(Cli, proves_nothing_from_a_journal_that_holds_no_beginning) {
  const std::string whole = journal();
  const std::string path = file("middle.txt", whole.substr(whole.find("Connection to etcd") - 90));
  const auto people = hookshot({"windows", "check", path});
  EXPECT_EQ(people.exit_status, 4) << people.out << people.err;
  EXPECT_THAT(people.out, HasSubstr("no start was seen"));
  EXPECT_THAT(people.out, testing::Not(HasSubstr("Nothing differs")));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 4);
  EXPECT_EQ(json_of(check)[0]["verdict"], "unproven");
}

TEST_F(Cli, tells_bytes_that_are_no_characters_as_json_too) {
  const std::string path = file("bytes.txt", journal("Pod for etcd is synced", "Pod \xff\xfe"));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 1) << check.err;
  EXPECT_THAT(json_of(check).dump(), HasSubstr("Pod"));
}

TEST_F(Cli, names_every_node_whose_journal_it_cannot_read) {
  const std::string path = file("two.yaml",
                                "cluster: lab-a\nssh: {user: root, known_hosts: known_hosts}\n"
                                "nodes:\n"
                                "  - {name: cp-1, address: 127.0.0.1, roles: [server], port: 1}\n"
                                "  - {name: w-1, address: 127.0.0.1, roles: [agent], port: 2}\n"
                                "install: {method: tarball, artifacts: none}\n");
  const auto check = hookshot({"windows", "check", "--json", "-i", path});
  EXPECT_EQ(check.exit_status, 3) << check.out << check.err;
  EXPECT_THAT(check.err, testing::AllOf(HasSubstr("cp-1"), HasSubstr("w-1")));
  const Json json = json_of(check);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[1]["source"], "w-1");
  EXPECT_EQ(json[1]["verdict"], "error");
  EXPECT_EQ(hookshot({"windows", "check", "-i", path, "--since", "soon"}).exit_status, 2);
}

}  // namespace
}  // namespace harness::cli
