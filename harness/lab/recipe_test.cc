#include "harness/lab/recipe.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::lab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Recipe : public testing::Test {
 protected:
  void SetUp() override {
    file_ = fs::path(testing::TempDir()) / ("recipe-" + std::to_string(::getpid()));
  }

  void TearDown() override { fs::remove(file_); }

  Result<std::string> run(const std::string& script, std::stop_token stop = {}) {
    std::ofstream(file_) << "#!/bin/sh\n" << script;
    fs::permissions(file_, fs::perms::owner_all);
    return run_recipe({file_.string(), "a word"}, progress_, std::move(stop));
  }

  fs::path file_;
  std::vector<std::string> said_;
  Progress progress_ = [this](std::string_view line) { said_.emplace_back(line); };
};

TEST_F(Recipe, answers_with_its_last_line_and_says_what_it_does) {
  const auto answer = run("echo one >&2\necho first\necho \"$1\"\necho two >&2\n");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer, "a word");
  EXPECT_THAT(said_, ElementsAre("one", "two"));
}

TEST_F(Recipe, that_fails_says_why_in_its_own_words) {
  const auto answer = run("echo 'mirror is away' >&2\nexit 1\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(answer.error().message(), HasSubstr("mirror is away"));
}

TEST_F(Recipe, that_misses_a_program_is_not_supported) {
  const auto answer = run("echo 'mmdebstrap is missing' >&2\nexit 3\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(answer.error().message(), HasSubstr("mmdebstrap is missing"));
}

TEST_F(Recipe, that_is_not_there_is_not_supported) {
  const auto answer = run_recipe({"/nowhere/recipe"}, progress_, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(answer.error().message(), HasSubstr("/nowhere/recipe"));
}

TEST_F(Recipe, ends_with_its_children_when_stopped) {
  std::stop_source stop;
  progress_ = [&](std::string_view) { stop.request_stop(); };
  const auto answer = run("echo begun >&2\nsleep 1000\n", stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::refused);
  EXPECT_THAT(answer.error().message(), HasSubstr("interrupted"));
}

TEST_F(Recipe, ends_when_stopped_even_if_it_does_not_want_to) {
  std::stop_source stop;
  progress_ = [&](std::string_view) { stop.request_stop(); };
  const auto answer =
      run("trap '' TERM\necho begun >&2\nwhile :; do sleep 1000; done\n", stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::refused);
}

TEST_F(Recipe, survives_a_flood_of_diagnostics) {
  const auto answer =
      run("i=0; while [ $i -lt 20000 ]; do echo \"line $i\" >&2; i=$((i+1)); done; echo end\n");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer, "end");
  EXPECT_EQ(said_.size(), 20000u);
}

TEST(Recipes, are_where_the_environment_says) {
  ::setenv("HOOKSHOT_LAB_RECIPES", "/elsewhere", 1);
  EXPECT_EQ(recipes(), fs::path("/elsewhere"));
  ::unsetenv("HOOKSHOT_LAB_RECIPES");
  EXPECT_TRUE(fs::exists(recipes() / "image")) << recipes();
}

}  // namespace
}  // namespace harness::lab
