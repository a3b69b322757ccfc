// A manifest in a folder, and a unit that says of itself what a test has it say. For tests only.
#pragma once

#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "harness/guard/action_manifest.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {

inline constexpr const char* kManifest =
    "apiVersion: v1\n"
    "kind: Pod\n"
    "metadata:\n"
    "  labels:\n"
    "    component: etcd\n"
    "  name: etcd\n"
    "  uid: 0123456789abcdef0123456789abcdef\n"
    "spec: {}\n";

class ManifestTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "agent/pod-manifests");
    std::filesystem::create_directories(folder_ / "armed");
    record_.action = {.kind = Action::Kind::manifest, .pod = "etcd", .how = "move"};
    write(kManifest);
    chmod(file().c_str(), 0640);
    means_.note = [this](const Json& held) {
      held_ = held;
      there_at_note_ = there(file());
      return note_;
    };
    means_.run = [this](const std::vector<std::string>& argv) -> Result<Finished> {
      const auto of = [&argv](const char* name) {
        return std::ranges::find(argv, std::string("--property=") + name) != argv.end();
      };
      if (of("ActiveState") && looks_) {
        looks_(++look_);
      }
      return Finished{.out = (of("ActiveState") ? state_
                              : of("MainPID")   ? std::to_string(main_.pid)
                                                : invocation_) +
                             "\n"};
    };
    means_.before = (folder_ / "armed/before").string();
    record_.data_dir = folder_.string();
    record_.unit = "rke2-server.service";
  }

  std::string file() const {
    return (folder_ / "agent/pod-manifests" / (record_.action.pod + ".yaml")).string();
  }

  std::string content() const { return read_whole(file()).value_or("(away)"); }

  void write(const std::string& text) const { std::ofstream(file()) << text; }

  Result<Deed> take(const std::string& how) {
    record_.action.how = how;
    return take_manifest(record_, means_);
  }

  std::string release() {
    const auto said = release_manifest(held_, means_);
    return said ? *said : "failed: " + said.error().message();
  }

  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& item : std::filesystem::directory_iterator(folder_ / "agent/pod-manifests")) {
      count += item.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  TestFolder folder_;
  ArmRecord record_;
  Means means_;
  Json held_;
  Status note_;
  bool there_at_note_ = false;
  Children children_;
  Process main_;  // rke2's; none unless a test has one
  std::string state_ = "active";
  std::string invocation_ = "one";
  std::function<void(int)> looks_;  // at each question for the state
  int look_ = 0;
};

}  // namespace harness::guard
