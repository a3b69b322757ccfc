// One lab for every test of the whole path: a server and an agent, and the program as a user runs
// it.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/exec/local_runner.h"

namespace harness::cli {

inline const std::string kSource = HOOKSHOT_SOURCE_DIR;
inline const std::string kHookshot = std::string(HOOKSHOT_BINARY_DIR) + "/harness/cli/hookshot";

// The lab of this program's tests.
inline std::string& lab() {
  static std::string name;
  return name;
}

inline std::filesystem::path directory() {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("hookshot-e2e-" + std::to_string(getpid()));
  return path;
}

inline exec::CommandResult hookshot(std::vector<std::string> words,
                                    std::chrono::minutes limit = std::chrono::minutes(8)) {
  words.insert(words.begin(), kHookshot);
  const auto result = exec::LocalRunner().run({.argv = std::move(words)}, Deadline::after(limit));
  EXPECT_TRUE(result) << result.error().message();
  return result.value_or(exec::CommandResult{.exit_status = -1});
}

inline std::string inventory() {
  return (directory() / "lab.yaml").string();
}

inline std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void mark_nodes() {
  EXPECT_EQ(hookshot({"allow", "-i", inventory()}).exit_status, 0);
}

// Writes a suite of that name and plays it on nodes that are marked; its results have the name
// below directory().
inline exec::CommandResult play(const std::string& name,
                                const std::string& rest,
                                std::chrono::minutes limit = std::chrono::minutes(12)) {
  mark_nodes();
  const std::string suite = (directory() / (name + ".yaml")).string();
  std::ofstream(suite) << "suite: " << name << "\nquestion: Is it proved on nodes?\n" << rest;
  return hookshot({"run", suite, "-i", inventory(), "--results", (directory() / name).string()},
                  limit);
}

// null where there is none.
inline Json verdict_of(const std::string& results) {
  return parse_json(read(directory() / results / "latest/verdict.json")).value_or(Json());
}

// The only case of a run that passed, by its last trial.
inline Json last_trial(const std::string& results) {
  const Json verdict = verdict_of(results);
  EXPECT_EQ(json_string(verdict, "verdict"), "pass") << verdict.dump();
  const Json cases = verdict.value("cases", Json::array());
  EXPECT_EQ(cases.size(), 1U);
  return cases.empty() ? Json::object() : cases.back()["trials"].back();
}

// The last trial, which hit, of a suite that is played.
inline Json trial_of(const std::string& name, const std::string& rest) {
  const auto run = play(name, rest);
  EXPECT_EQ(run.exit_status, 0) << run.out << run.err;
  Json trial = last_trial(name);
  EXPECT_TRUE(json_bool(trial, "hit")) << trial.dump();
  return trial;
}

class WholePath : public testing::Test {
 protected:
  static void SetUpTestSuite() { raise("e2e", {"--agents", "1"}); }

  static void raise(const std::string& name, const std::vector<std::string>& size) {
    lab() = name;
    if (geteuid() != 0) {
      return;
    }
    std::filesystem::create_directories(directory());
    std::vector<std::string> words = {
        "lab", "up", "--name", name, "--inventory", inventory(), "--version", "v1.30.12+rke2r1"};
    words.insert(words.end(), size.begin(), size.end());
    const auto up = hookshot(std::move(words), std::chrono::minutes(15));
    ready_ = up.exit_status == 0;
    why_ = up.err;
    unsupported_ = up.err.find("not supported") != std::string::npos;
  }

  static void TearDownTestSuite() {
    if (geteuid() == 0) {
      EXPECT_EQ(hookshot({"lab", "down", "--name", lab()}).exit_status, 0);
      std::filesystem::remove_all(directory());
    }
  }

  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "the lab needs root";
    }
    if (unsupported_) {
      GTEST_SKIP() << why_;
    }
    ASSERT_TRUE(ready_) << why_;
  }

  static inline bool ready_ = false;
  static inline bool unsupported_ = false;
  static inline std::string why_;
};

}  // namespace harness::cli
