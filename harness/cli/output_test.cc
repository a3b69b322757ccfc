// What reaches standard output: JSON whatever happens where it was asked for, and no success where
// it is lost.

#include "harness/cli/made_runs.h"

namespace harness::cli {
namespace {

const std::string kKill =
    "s/v1.30.12+rke2r1_to_v1.30.13-rc2+rke2r1/kill-pod.kube-apiserver/start-up-hooks+0s/cp-1";

class Output : public MadeRuns {
 protected:
  static exec::CommandResult into_full_disk(std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"sh",
                  "-c",
                  R"("$0" "$@" >/dev/full)",
                  std::string(HOOKSHOT_BINARY_DIR) + "/harness/cli/hookshot"});
    const auto result = exec::LocalRunner().run({.argv = std::move(words)},
                                                Deadline::after(std::chrono::minutes(2)));
    EXPECT_TRUE(result) << result.error().message();
    return result.value_or(exec::CommandResult{.exit_status = -1});
  }

  const std::string smoke_ = kSource + "/suites/smoke.yaml";
  const std::string none_ = "/nonexistent/of-the-tests";
};

TEST_F(Output, tells_wrong_input_as_json_too_whichever_verb_finds_it) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> all = {
      {{"plan", smoke_, "-i", none_}, none_},
      {{"plan", none_, "-i", inventory()}, none_},
      {{"windows", "--of", "v9.9.9+rke2r1"}, "v9.9.9"},
      {{"windows", "check", none_}, none_},
      {{"windows", "check"}, "takes a journal's file"},
      {{"windows", "learn", "-i", inventory()}, "--from and --to"},
      {{"windows", "learn", "-i", inventory(), "--run", none_}, none_},
      {{"windows", "watch", "-i", none_}, none_},
      {{"compare", none_, none_}, none_},
      {{"selfcheck"}, "-i INVENTORY"},
      {{"selfcheck", "--run", none_}, none_},
      {{"fault", "inject", "no-such", "--node", "cp-1", "-i", inventory()}, "no-such"},
      {{"fault", "inject", "reboot", "--node", "cp-1", "-i", none_}, none_},
      {{"allow", "-i", none_}, none_},
      {{"doctor", "-i", none_}, none_},
      {{"heal", "-i", none_}, none_},
      {{"judge", none_}, none_},
      {{"report", none_}, none_},
      {{"report", none_, "--format", "pdf"}, "pdf"},
      {{"run", smoke_, "-i", none_}, none_},
      {{"shrink", none_ + ":s/c", "-i", inventory()}, none_},
      {{"lab", "status", "--name", "no-such"}, "no-such"}};
  for (auto [words, said] : all) {
    const std::string verb = words[0] + " " + words.back();
    words.emplace_back("--json");
    const auto wrong = hookshot(words);
    EXPECT_EQ(wrong.exit_status, 2) << verb << wrong.err;
    const Json json = json_of(wrong);
    EXPECT_EQ(json_string(json, "verdict"), "error") << verb;
    EXPECT_EQ(json_int(json, "exit_status"), 2) << verb;
    EXPECT_THAT(json_string(json_object(json, "error"), "message"), HasSubstr(said)) << verb;
    EXPECT_THAT(wrong.err, HasSubstr(said)) << "and for people";
    words.pop_back();
    EXPECT_EQ(hookshot(words).out, "") << verb << ": nobody asked for JSON";
  }
}

TEST_F(Output, replaces_bytes_of_a_plan_that_are_no_characters) {
  const auto plan = hookshot({"plan", smoke_, "-i", inventory(), "--json", "--filter", "\xff"});
  EXPECT_EQ(plan.exit_status, 0) << plan.err;
  EXPECT_TRUE(json_of(plan)["cases"].empty());
  EXPECT_FALSE(json_of(plan)["excluded"].empty());
}

TEST_F(Output, is_of_one_form_only) {
  const auto both = hookshot({"fault", "list", "--json", "--markdown"});
  EXPECT_EQ(both.exit_status, 2);
  EXPECT_EQ(json_of(both)["verdict"], "error");
  EXPECT_THAT(both.err, HasSubstr("excludes"));
  EXPECT_THAT(hookshot({"fault", "list", "--markdown"}).out, HasSubstr("| fault |"));
}

TEST_F(Output, that_is_lost_is_no_success) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"plan", smoke_, "-i", inventory(), "--json"},
        {"plan", smoke_, "-i", inventory()},
        {"windows", "--json"},
        {"guard", "--user", "qa"},
        {"--help"},
        {"--version"}}) {
    const auto lost = into_full_disk(words);
    EXPECT_EQ(lost.exit_status, 3) << words[0];
    EXPECT_THAT(lost.err,
                testing::AllOf(HasSubstr("standard output: not all of what was printed"),
                               HasSubstr("No space left on device")))
        << words[0];
    EXPECT_THAT(lost.err, testing::Not(HasSubstr("internal error")));
  }
}

TEST_F(Output, that_is_lost_hides_nothing_worse) {
  const auto status = [&](const MadeCase& made, const std::string& verb) {
    return into_full_disk({verb, ran({made}).path().string()}).exit_status;
  };
  EXPECT_EQ(status({.name = kKill, .failed = 1}, "judge"), 1);
  EXPECT_EQ(status({.name = kKill, .missed = 1}, "judge"), 3) << "it was 4";
  EXPECT_EQ(into_full_disk({"plan", none_, "-i", inventory(), "--json"}).exit_status, 2);
}

class Damaged : public MadeRuns {
 protected:
  // Of each verb that reads the folder.
  static void refused(const run::RunFolder& folder, const std::string& file) {
    const std::string path = folder.path().string();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"judge", path},
                                                  {"report", path},
                                                  {"compare", path, path},
                                                  {"selfcheck", "--run", path}}) {
      const auto wrong = hookshot(words);
      EXPECT_EQ(wrong.exit_status, 2) << words[0] << wrong.err;
      EXPECT_THAT(wrong.err, HasSubstr(path + "/" + file)) << words[0];
      EXPECT_THAT(wrong.err, HasSubstr("copy the run folder anew"));
    }
  }
};

TEST_F(Damaged, folders_are_refused_by_the_name_of_the_file_that_holds_no_object) {
  for (const char* file : {"run.json", "plan.json"}) {
    for (const char* text : {"[]", "5", "null"}) {
      const run::RunFolder folder = ran({{.name = kKill, .passed = 1}});
      ASSERT_TRUE(folder.write(file, text));
      refused(folder, file);
    }
  }
}

TEST_F(Damaged, events_lend_no_exit_status_that_no_run_ends_with) {
  const auto ended = [&](const std::string& status) {
    run::RunFolder folder = ran({{.name = kKill, .passed = 1}}, {.finished = false});
    std::ofstream(folder.events(), std::ios::app)
        << R"({"type": "run.finished", "stopped": "", "exit_status": )" << status << "}\n";
    return folder;
  };
  for (const char* status : {"7", "99999999999", "-1", "255"}) {
    const run::RunFolder folder = ended(status);
    refused(folder, "events.jsonl");
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "verdict.json"));
  }
  for (const int known : {0, 5, 124, 130, 143}) {
    const std::string path = ended(std::to_string(known)).path().string();
    EXPECT_EQ(hookshot({"judge", path}).exit_status, known);
  }
}

}  // namespace
}  // namespace harness::cli
