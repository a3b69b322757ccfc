#include "harness/lab/standin/cleanup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

class Cleanup : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cleanup-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    node_.paths.data = name;
    fs::create_directories(node_.paths.bin());
    ASSERT_TRUE(machine::write_file(node_.paths.manifests() / "etcd.yaml", "x"));
    ASSERT_TRUE(machine::write_file(node_.paths.etcd_db() / "name", "cp-1-abcd"));
  }

  void TearDown() override { fs::remove_all(node_.paths.data); }

  Node node_;
};

TEST_F(Cleanup, has_nothing_to_do_at_an_ordinary_start) {
  EXPECT_THAT(pods_to_clean_up(node_), IsEmpty());
}

TEST_F(Cleanup, has_nothing_to_do_on_a_clean_machine) {
  fs::remove_all(node_.paths.bin());
  fs::remove(node_.paths.etcd_db() / "name");
  EXPECT_THAT(pods_to_clean_up(node_), IsEmpty());
}

TEST_F(Cleanup, removes_everything_when_forced_and_takes_the_stamp) {
  ASSERT_TRUE(machine::write_file(node_.paths.data / "force-restart", ""));
  EXPECT_EQ(pods_to_clean_up(node_).size(), 5U);
  EXPECT_FALSE(fs::exists(node_.paths.data / "force-restart"));
}

TEST_F(Cleanup, removes_etcd_and_apiserver_when_the_member_lost_its_name) {
  fs::remove(node_.paths.etcd_db() / "name");
  EXPECT_THAT(pods_to_clean_up(node_), testing::ElementsAre("etcd", "kube-apiserver"));
}

TEST_F(Cleanup, removes_everything_on_a_node_that_is_no_server_any_more) {
  node_.server = false;
  EXPECT_EQ(pods_to_clean_up(node_).size(), 5U);
  fs::remove(node_.paths.manifests() / "etcd.yaml");
  EXPECT_THAT(pods_to_clean_up(node_), IsEmpty());
}

}  // namespace
}  // namespace harness::standin
