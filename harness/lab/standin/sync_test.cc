#include "harness/lab/standin/sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class FakeRuntime final : public SandboxRuntime {
 public:
  Result<std::vector<Sandbox>> list(const std::map<std::string, std::string>& labels) override {
    asked = labels;
    if (broken) {
      return fail(ErrorCode::unreachable, "rpc error: code = Unavailable");
    }
    return sandboxes;
  }

  Result<Sandbox> status(const std::string& id) override {
    for (const auto& one : sandboxes) {
      if (one.id == id && id != gone) {
        return one;
      }
    }
    return fail(ErrorCode::remote_failed, "rpc error: code = NotFound desc = no such sandbox");
  }

  Status remove(const std::string& id) override {
    removed.push_back(id);
    return {};
  }

  void add(const std::string& id, const std::string& uid, bool ready, std::int64_t created) {
    sandboxes.push_back({id, "etcd", uid, ready, created, 0, {{"io.kubernetes.pod.uid", uid}}});
  }

  std::vector<Sandbox> sandboxes;
  std::vector<std::string> removed;
  std::map<std::string, std::string> asked;
  std::string gone;
  bool broken = false;
};

class Sync : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sync-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    manifest_ = fs::path(name) / "etcd.yaml";
    ASSERT_TRUE(machine::write_file(manifest_, "metadata:\n  name: etcd\n  uid: new\n"));
  }

  void TearDown() override { fs::remove_all(manifest_.parent_path()); }

  std::string check() { return check_pod(runtime_, manifest_, present_); }

  fs::path manifest_;
  FakeRuntime runtime_;
  bool present_ = false;
};

TEST_F(Sync, is_satisfied_by_one_ready_sandbox_of_the_manifest) {
  runtime_.add("a", "new", true, 1);
  EXPECT_EQ(check(), "");
  EXPECT_TRUE(present_);
  EXPECT_THAT(runtime_.removed, IsEmpty());
  EXPECT_EQ(runtime_.asked.at("component"), "etcd");
  EXPECT_EQ(runtime_.asked.at("tier"), "control-plane");
}

TEST_F(Sync, removes_the_sandbox_of_an_old_manifest) {
  runtime_.add("a", "old", true, 1);
  EXPECT_EQ(check(), "waiting for termination of old pod sandbox");
  EXPECT_THAT(runtime_.removed, ElementsAre("a"));
}

TEST_F(Sync, removes_old_duplicates_of_the_same_pod) {
  runtime_.add("a", "new", false, 1);
  runtime_.add("b", "new", true, 2);
  EXPECT_EQ(check(), "waiting for termination of old pod sandbox");
  EXPECT_THAT(runtime_.removed, ElementsAre("a"));
}

TEST_F(Sync, waits_while_there_is_no_sandbox) {
  EXPECT_EQ(check(), "pod sandbox not found");
}

TEST_F(Sync, waits_while_the_newest_sandbox_is_not_ready) {
  runtime_.add("a", "new", false, 1);
  EXPECT_EQ(check(), "pod sandbox has changed");
  EXPECT_THAT(runtime_.removed, IsEmpty());
}

TEST_F(Sync, passes_over_a_sandbox_that_vanishes_meanwhile) {
  runtime_.add("a", "new", true, 1);
  runtime_.gone = "a";
  EXPECT_EQ(check(), "pod sandbox not found");
}

TEST_F(Sync, has_nothing_to_check_without_a_manifest) {
  fs::remove(manifest_);
  EXPECT_EQ(check(), "");
  EXPECT_FALSE(present_);
}

TEST_F(Sync, says_when_the_manifest_cannot_be_read) {
  ASSERT_TRUE(machine::write_file(manifest_, "kind: Pod\n"));
  EXPECT_THAT(check(), testing::StartsWith("failed to decode manifest"));
}

TEST_F(Sync, says_when_the_runtime_does_not_answer) {
  runtime_.broken = true;
  EXPECT_EQ(check(), "failed to list pod sandboxes: rpc error: code = Unavailable");
}

TEST(SandboxView, needs_a_new_one_when_two_are_ready) {
  Sandbox first;
  first.id = "a";
  first.ready = true;
  first.created_at = 1;
  Sandbox second = first;
  second.id = "b";
  second.created_at = 2;
  const SandboxView view = view_of({first, second});
  EXPECT_TRUE(view.new_needed);
  EXPECT_EQ(view.newest, "b");
}

}  // namespace
}  // namespace harness::standin
