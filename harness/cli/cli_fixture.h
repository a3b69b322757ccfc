// hookshot as a process, and an inventory whose node nobody can reach, for the tests of the command
// line.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/exec/local_runner.h"

namespace harness::cli {

using testing::HasSubstr;

inline const std::string kSource = HOOKSHOT_SOURCE_DIR;

inline exec::CommandResult hookshot(std::vector<std::string> words,
                                    std::map<std::string, std::string> env = {}) {
  words.insert(words.begin(), std::string(HOOKSHOT_BINARY_DIR) + "/harness/cli/hookshot");
  const auto result = exec::LocalRunner().run({.argv = std::move(words), .env = std::move(env)},
                                              Deadline::after(std::chrono::minutes(2)));
  EXPECT_TRUE(result) << result.error().message();
  return result.value_or(exec::CommandResult{.exit_status = -1});
}

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("hookshot-cli-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
    std::ofstream(directory_ / "known_hosts") << "\n";
    std::ofstream(directory_ / "inv.yaml")
        << "cluster: lab-a\nexpendable: true\nssh: {user: root, known_hosts: known_hosts}\nnodes:\n"
           "  - {name: cp-1, address: 127.0.0.1, roles: [server], port: 1}\n"
           "install: {method: tarball, artifacts: none}\n";
  }

  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }

  // Artifacts of a release that can be verified, and not installed.
  void release(const std::string& version) {
    const std::string folder = "artifacts/" + version + "/";
    std::filesystem::create_directories(directory_ / folder);
    file(folder + "install.sh", "exit 1\n");
    const std::string tarball = file(folder + "rke2.linux-amd64.tar.gz", "x");
    const auto sum = exec::LocalRunner().run({.argv = {"sha256sum", tarball}},
                                             Deadline::after(std::chrono::seconds(20)));
    ASSERT_TRUE(sum) << sum.error().message();
    file(folder + "sha256sum-amd64.txt", sum->out.substr(0, 64) + "  rke2.linux-amd64.tar.gz\n");
  }

  std::string inventory() { return (directory_ / "inv.yaml").string(); }

  std::filesystem::path directory_;
};

inline Json json_of(const exec::CommandResult& result) {
  const auto json = parse_json(result.out);
  EXPECT_TRUE(json) << result.out << result.err;
  return json.value_or(Json::object());
}

}  // namespace harness::cli
