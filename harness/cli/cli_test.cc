// The command line as a pipeline meets it: exit statuses, places of mistakes, and nothing touched
// before they are found.

#include "harness/cli/cli_fixture.h"

namespace harness::cli {
namespace {

TEST_F(Cli, explains_itself_and_its_exit_statuses) {
  const auto help = hookshot({"--help"});
  EXPECT_EQ(help.exit_status, 0);
  for (const char* word : {"doctor",
                           "allow",
                           "plan",
                           "run",
                           "windows",
                           "fault",
                           "heal",
                           "judge",
                           "report",
                           "compare",
                           "selfcheck",
                           "lab",
                           "Exit status: 0 all passed"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
}

TEST_F(Cli, calls_wrong_usage_by_its_name_and_exits_with_2) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"frobnicate"},
                                                {"run"},
                                                {"plan", "x.yaml"},
                                                {"lab", "up", "--agents", "9"}}) {
    EXPECT_EQ(hookshot(words).exit_status, 2);
  }
  EXPECT_EQ(hookshot({"run", kSource + "/suites/smoke.yaml", "-i", inventory(), "--", "--rm-rf"})
                .exit_status,
            2);
}

TEST_F(Cli, plans_without_touching_a_node) {
  const auto plan =
      hookshot({"plan", kSource + "/suites/demo.yaml", "-i", inventory(), "--seed", "7", "--json"});
  ASSERT_EQ(plan.exit_status, 0) << plan.err;
  const Json json = *parse_json(plan.out);
  EXPECT_EQ(json["seed"], 7);
  EXPECT_EQ(json["cases"].size(), 4U);
  EXPECT_FALSE(json["excluded"].empty());
}

TEST_F(Cli, names_file_line_and_column_of_a_mistake_before_anything_is_touched) {
  const std::string suite = file("bad.yaml",
                                 "suite: s\nquestion: q\npaths:\n  - {versions: [v1.30.12+rke2r1, "
                                 "v1.30.13-rc2+rke2r1]}\nmatrixx: {}\n");
  const auto run =
      hookshot({"run", suite, "-i", inventory(), "--results", (directory_ / "results").string()});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err,
              HasSubstr("bad.yaml:5:1: suite has no key 'matrixx' (did you mean 'matrix'?)"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "results"));
}

TEST_F(Cli, says_that_a_missing_inventory_can_be_made) {
  const auto run = hookshot({"doctor", "-i", "/nonexistent/inv.yaml"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.err, HasSubstr("hookshot lab up"));
}

TEST_F(Cli, plans_every_suite_of_the_tree) {
  for (const auto& item : std::filesystem::directory_iterator(kSource + "/suites")) {
    if (item.path().extension() == ".yaml") {
      const auto planned = hookshot({"plan", item.path().string(), "-i", inventory()});
      EXPECT_EQ(planned.exit_status, 0) << item.path() << ": " << planned.err;
    }
  }
}

TEST_F(Cli, writes_its_guard_and_the_rule_that_holds_sudo_to_it) {
  const std::string file = (directory_ / "guard").string();
  const auto rule = hookshot({"guard", "--write", file, "--user", "qa"});
  ASSERT_EQ(rule.exit_status, 0) << rule.err;
  const auto digest = hookshot({"guard"});
  EXPECT_THAT(rule.out,
              HasSubstr("qa ALL=(root) NOPASSWD: sha256:" + digest.out.substr(0, 64) +
                        " /var/lib/hookshot/guard\n"));
  EXPECT_GT(std::filesystem::file_size(file), 100'000U);
  EXPECT_EQ(hookshot({"guard", "--user", "qa ALL=(ALL) NOPASSWD: ALL #"}).exit_status, 2);
}

TEST_F(Cli, prints_no_rule_for_everybody) {
  for (const char* alias : {"ALL", "ADMINS", "Defaults"}) {
    const auto rule = hookshot({"guard", "--user", alias});
    EXPECT_EQ(rule.exit_status, 2) << alias;
    EXPECT_EQ(rule.out, "");
    EXPECT_THAT(rule.err, testing::AllOf(HasSubstr(alias), HasSubstr("sudoers knows its aliases")));
  }
}

TEST_F(Cli, refuses_to_hurt_a_cluster_that_is_not_expendable) {
  const std::string text =
      "cluster: lab-a\nssh: {user: root, known_hosts: known_hosts}\nnodes: [{name: cp-1, address: "
      "127.0.0.1, roles: [server], port: 1}]\n"
      "install: {method: tarball, artifacts: none}\n";
  const std::string inv = file("safe.yaml", text);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", kSource + "/suites/smoke.yaml", "-i", inv},
        {"allow", "-i", inv},
        {"shrink", "run:case", "-i", inv},
        {"fault", "inject", "reboot", "--node", "cp-1", "-i", inv}}) {
    const auto result = hookshot(words);
    EXPECT_EQ(result.exit_status, 2) << words[0];
    EXPECT_THAT(result.err, HasSubstr("not expendable")) << words[0];
  }
}

TEST_F(Cli, tells_an_unreachable_node_from_a_failing_product) {
  const auto run = hookshot({"doctor", "-i", inventory()});
  EXPECT_EQ(run.exit_status, 3);
  EXPECT_THAT(run.out, HasSubstr("blocking  cp-1     connection"));
}

TEST_F(Cli, shows_faults_and_windows) {
  EXPECT_THAT(hookshot({"fault", "list"}).out, HasSubstr("kill-pod"));
  EXPECT_THAT(hookshot({"fault", "show", "kill-pod"}).out, HasSubstr("kube-apiserver"));
  EXPECT_EQ(hookshot({"fault", "show", "nothing"}).exit_status, 2);
  EXPECT_THAT(hookshot({"windows", "--of", "v1.30.12+rke2r1"}).out, HasSubstr("start-up-hooks"));
  EXPECT_EQ(hookshot({"windows", "--of", "v9.9.9+rke2r1"}).exit_status, 2);
}

TEST_F(Cli, shrinks_only_a_case_of_a_run_that_failed) {
  const auto shrink = [&](const std::string& spec, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"shrink", spec, "-i", inventory()};
    words.insert(words.end(), more.begin(), more.end());
    return hookshot(words);
  };
  const auto nameless = shrink(directory_.string());
  EXPECT_EQ(nameless.exit_status, 2);
  EXPECT_THAT(nameless.err, HasSubstr("RUN:CASE"));
  EXPECT_THAT(shrink(directory_.string() + ":s/c").err, HasSubstr("is no run folder"));
  EXPECT_THAT(shrink("x:s/c", {"--confirm", "3/2"}).err, HasSubstr("K failures of N hits"));
}

TEST_F(Cli, judges_only_run_folders) {
  const auto result = hookshot({"judge", directory_.string()});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.err, HasSubstr("is no run folder"));
}

}  // namespace
}  // namespace harness::cli
