// Words that nobody knows are named, with the nearest that is known.

#include "harness/cli/cli_fixture.h"

namespace harness::cli {
namespace {

class Usage : public Cli {
 protected:
  static void names(const std::vector<std::string>& words, const std::vector<std::string>& said) {
    const auto wrong = hookshot(words);
    EXPECT_EQ(wrong.exit_status, 2) << wrong.err;
    EXPECT_EQ(wrong.out, "");
    for (const std::string& part : said) {
      EXPECT_THAT(wrong.err, HasSubstr(part));
    }
  }

  const std::string smoke_ = kSource + "/suites/smoke.yaml";
};

TEST_F(Usage, names_a_verb_that_there_is_not_and_the_nearest) {
  names({"nosuch"}, {"hookshot: there is no 'nosuch'; `hookshot --help` has all that it takes"});
  names({"docter"}, {"hookshot: there is no 'docter' (did you mean 'doctor'?)"});
  names({"lab", "statsu"}, {"hookshot: lab takes no 'statsu' (did you mean 'status'?)"});
  names({"windows", "chekc"}, {"hookshot: windows takes no 'chekc' (did you mean 'check'?)"});
  names({}, {"A subcommand is required", "`hookshot --help`"});
  names({"lab"}, {"A subcommand is required", "`hookshot lab --help`"});
}

TEST_F(Usage, names_an_option_that_there_is_not_and_the_nearest) {
  names({"doctor", "-i", inventory(), "--jsn"},
        {"hookshot: doctor takes no '--jsn' (did you mean '--json'?)"});
  names({"-v", "plan", smoke_, "--inventroy=" + inventory()},
        {"hookshot: plan takes no '--inventroy' (did you mean '--inventory'?)"});
  names({"plan", smoke_}, {"--inventory is required", "`hookshot plan --help`"});
}

TEST_F(Usage, names_an_option_that_run_does_not_have_before_anything_else_of_it) {
  names({"run", smoke_, "-i", inventory(), "--reapet", "3"},
        {"hookshot: run takes no '--reapet' (did you mean '--repeat'?)",
         "what follows -- are GoogleTest's own flags"});
  names({"run", smoke_, "--inventroy", inventory()},
        {"takes no '--inventroy' (did you mean '--inventory'?)"});
  names({"run", smoke_, "--", "--gtest_list_tests"}, {"--inventory is required"});
  names({"run", smoke_, "-i", inventory(), "--", "--rm-rf"}, {"takes no '--rm-rf'"});
  names({"run", smoke_, "-i", inventory(), "--", "--gtest_filtr=x"},
        {"'--gtest_filtr=x' is none", "--gtest_filter"});
  const auto json = hookshot({"run", smoke_, "-i", inventory(), "--json", "--bogus"});
  EXPECT_EQ(json.exit_status, 2);
  EXPECT_THAT(json_string(json_of(json)["error"], "message"), HasSubstr("'--bogus'"));
}

}  // namespace
}  // namespace harness::cli
