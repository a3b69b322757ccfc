#include "harness/lab/standin/etcd.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/etcd_temporary.h"
#include "harness/lab/standin/readiness.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class EtcdFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "etcd-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    node_.paths.data = name;
  }

  void TearDown() override { fs::remove_all(node_.paths.data); }

  Node node_;
};

TEST_F(EtcdFiles, make_a_member_of_a_node_only_with_a_log) {
  Etcd etcd(node_);
  fs::create_directories(node_.paths.etcd_db());
  EXPECT_FALSE(etcd.initialized());
  fs::create_directories(node_.paths.etcd_db() / "member/wal");
  EXPECT_TRUE(etcd.initialized());
}

TEST_F(EtcdFiles, must_be_there_for_a_temporary_etcd) {
  const auto without = ask_temporary_etcd(node_.paths, "cp-1", Json::object());
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message(), HasSubstr("no etcd program"));
  EXPECT_THAT(without.error().message(), HasSubstr("bin/etcd-standin/etcd is missing"));

  const fs::path folder = temporary_etcd_folder(node_.paths);
  fs::create_directories(folder / "etcd");
  fs::create_directories(folder / "ld-linux-x86-64.so.2");
  const auto empty = ask_temporary_etcd(node_.paths, "cp-1", Json::object());
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().message(), HasSubstr("no database"));
}

TEST(EtcdTest, has_the_words_of_its_release) {
  EXPECT_STREQ(etcd_words(Readiness::slow).ready, "etcd data store connection OK");
  EXPECT_STREQ(etcd_words(Readiness::slow).failed, "Failed to test data store connection: ");
  for (const Readiness later : {Readiness::readyz, Readiness::synced}) {
    EXPECT_STREQ(etcd_words(later).ready, "Connection to etcd is ready");
    EXPECT_STREQ(etcd_words(later).failed, "Failed to test etcd connection: ");
  }
}

TEST(EtcdTest, tries_the_client_port_only_where_no_gateway_is) {
  EXPECT_TRUE(try_client_port(HttpReply{404, "", {}}));
  EXPECT_FALSE(try_client_port(HttpReply{200, "", {}}));
  EXPECT_FALSE(try_client_port(HttpReply{503, "", {}}));
  EXPECT_TRUE(try_client_port(
      fail(ErrorCode::unreachable, "dial tcp 127.0.0.1:2382: connect: connection refused")));
  EXPECT_FALSE(try_client_port(fail(ErrorCode::unreachable, "context deadline exceeded")));
}

TEST(SlowReadiness, announces_every_attempt_before_it_is_made) {
  Gate etcd;
  etcd.open();
  int attempts = 0;
  testing::internal::CaptureStdout();
  wait_slowly(etcd, [&attempts] {
    const std::string said = testing::internal::GetCapturedStdout();
    EXPECT_THAT(said, HasSubstr("msg=\"Waiting for API server to become available\""));
    testing::internal::CaptureStdout();
    return ++attempts == 2;
  });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(attempts, 2);
}

}  // namespace
}  // namespace harness::standin
