// What a pipeline asks of `run`: JSON to the end, and GoogleTest's flags and shards.

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

}  // namespace
}  // namespace harness::cli
