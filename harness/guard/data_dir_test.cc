#include "harness/guard/data_dir.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

using testing::HasSubstr;

class DataDirTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "a directory of root's needs root";
    }
    std::filesystem::create_directories(path() + "/agent");
  }

  std::string path() const { return (folder_ / "rke2").string(); }

  std::string refusal() const { return refusal(path()); }

  static std::string refusal(const std::string& path) {
    const Status checked = check_data_dir(path);
    if (!checked) {
      EXPECT_EQ(checked.error().code(), ErrorCode::refused);
    }
    return checked ? "" : checked.error().message();
  }

  TestFolder folder_;
};

TEST_F(DataDirTest, is_rke2s_by_its_marks) {
  EXPECT_EQ(refusal(), "");
  std::filesystem::create_directories(path() + "/server");
  EXPECT_EQ(refusal(), "");
  std::filesystem::create_directory_symlink(path(), folder_ / "linked");
  EXPECT_EQ(refusal((folder_ / "linked").string()), "") << "what it leads to bears the marks";
  EXPECT_EQ(refusal((folder_ / "not/yet").string()), "") << "rke2 makes it";
}

TEST_F(DataDirTest, is_no_other_directory_of_the_node) {
  EXPECT_THAT(refusal("/etc"), HasSubstr("neither server/ nor agent/"));
  EXPECT_THAT(refusal("/"), HasSubstr("neither server/ nor agent/"));
  EXPECT_THAT(refusal("/etc/passwd"), HasSubstr("is no directory"));
  ArmRecord record;
  record.data_dir = "/etc";
  record.action.kind = Action::Kind::manifest;
  const Status armed = check_means(record, Means{});
  ASSERT_FALSE(armed) << "said when it is armed";
  EXPECT_EQ(armed.error().code(), ErrorCode::refused);
}

TEST_F(DataDirTest, is_roots_alone_and_leads_nowhere_else) {
  chmod(path().c_str(), 0777);
  EXPECT_THAT(refusal(), HasSubstr("by everybody"));
  chmod(path().c_str(), 0755);
  ASSERT_EQ(chown(path().c_str(), 1, 1), 0);
  EXPECT_THAT(refusal(), HasSubstr("does not belong to root"));
  ASSERT_EQ(chown(path().c_str(), 0, 0), 0);
  std::filesystem::create_directory_symlink("/etc", path() + "/server");
  EXPECT_THAT(refusal(), HasSubstr("leads out of it"));
}

}  // namespace
}  // namespace harness::guard
