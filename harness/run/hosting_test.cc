#include "harness/run/hosting.h"

#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <pugixml.hpp>
#include <unistd.h>

#include "harness/exec/local_runner.h"

namespace harness::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class HostingTest : public testing::Test {
 protected:
  HostingTest() {
    std::string name = (std::filesystem::temp_directory_path() / "hosting-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }

  ~HostingTest() override { std::filesystem::remove_all(folder_); }

  HostingTest(const HostingTest&) = delete;
  HostingTest& operator=(const HostingTest&) = delete;

  std::string run(std::vector<std::string> flags, std::map<std::string, std::string> env = {}) {
    exec::Command command;
    command.argv = {HOOKSHOT_HOSTING_SUBJECT};
    if (!flags.empty() && flags.front() == "sick") {
      command.argv.push_back(flags.front());
      flags.erase(flags.begin());
    }
    command.argv.push_back("--gtest_output=xml:" + xml());
    command.argv.insert(command.argv.end(), flags.begin(), flags.end());
    command.env = std::move(env);
    const auto ran = exec::LocalRunner().run(command, Deadline::after(std::chrono::seconds(20)));
    EXPECT_TRUE(ran) << ran.error().message();
    EXPECT_EQ(ran->exit_status, 0) << ran->err;
    return ran->out;
  }

  // What GoogleTest's XML says of each test: "" for a pass, else "failure: ..." or "skipped: ...".
  std::map<std::string, std::string> said() const {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_file(xml().c_str())) << xml();
    std::map<std::string, std::string> out;
    for (const auto& test : document.select_nodes("//testcase")) {
      std::string& ends = out[test.node().attribute("name").value()];
      for (const pugi::xml_node child : test.node().children()) {
        ends += std::string(child.name()) + ": " + child.attribute("message").value();
      }
    }
    return out;
  }

  std::string xml() const { return (folder_ / "out.xml").string(); }

 private:
  std::filesystem::path folder_;
};

TEST_F(HostingTest, tells_googletest_of_each_verdict_what_it_is) {
  const std::string out = run({});
  EXPECT_THAT(out, HasSubstr("preparing 5\n"));
  EXPECT_THAT(said(),
              UnorderedElementsAre(Pair("passes", ""),
                                   Pair("fails", HasSubstr("failure: ")),
                                   Pair("errs", HasSubstr("failure: ")),
                                   Pair("proves_nothing", HasSubstr("skipped: ")),
                                   Pair("cannot", HasSubstr("skipped: "))));
  EXPECT_THAT(said().at("fails"), HasSubstr("fail: because of s/fails"));
  EXPECT_THAT(said().at("errs"), HasSubstr("error: because of s/errs"));
  EXPECT_THAT(said().at("proves_nothing"), HasSubstr("unproven: because of s/proves_nothing"));
  EXPECT_THAT(said().at("cannot"), HasSubstr("skip: because of s/cannot"));
}

TEST_F(HostingTest, prepares_and_runs_what_the_filter_selects) {
  const std::string out = run({"--gtest_filter=s.pass*:s.fails"});
  EXPECT_THAT(out, AllOf(HasSubstr("preparing 2\n"), HasSubstr("ran s/passes\n")));
  EXPECT_THAT(out, AllOf(HasSubstr("ran s/fails\n"), Not(HasSubstr("ran s/errs"))));
}

TEST_F(HostingTest, prepares_nothing_where_nothing_is_selected) {
  EXPECT_THAT(run({"--gtest_filter=nothing"}),
              AllOf(Not(HasSubstr("preparing")), HasSubstr("selected 0")));
}

TEST_F(HostingTest, lists_without_preparing_anything) {
  const std::string out = run({"--gtest_list_tests"});
  EXPECT_THAT(out, AllOf(HasSubstr("s.\n"), HasSubstr("  cannot\n"), HasSubstr("listed 1")));
  EXPECT_THAT(out, AllOf(Not(HasSubstr("preparing")), Not(HasSubstr("ran "))));
}

TEST_F(HostingTest, shares_the_cases_between_shards) {
  int ran = 0;
  for (const char* index : {"0", "1"}) {
    const std::string out = run({}, {{"GTEST_TOTAL_SHARDS", "2"}, {"GTEST_SHARD_INDEX", index}});
    EXPECT_THAT(out, HasSubstr("sharded 1"));
    for (std::size_t at = out.find("ran "); at != std::string::npos;
         at = out.find("ran ", at + 1)) {
      ++ran;
    }
  }
  EXPECT_EQ(ran, 5);
}

TEST_F(HostingTest, repeats_without_preparing_again) {
  const std::string out = run({"--gtest_filter=s.passes", "--gtest_repeat=2"});
  EXPECT_EQ(out.find("preparing"), out.rfind("preparing"));
  EXPECT_NE(out.find("ran s/passes"), out.rfind("ran s/passes"));
}

TEST_F(HostingTest, runs_no_case_where_the_preparation_failed) {
  const std::string out = run({"sick"});
  EXPECT_THAT(out, AllOf(HasSubstr("preparing 5\n"), Not(HasSubstr("ran "))));
  EXPECT_THAT(out, HasSubstr("selected 1 sharded 0 prepared 0"));
}

}  // namespace
}  // namespace harness::run
