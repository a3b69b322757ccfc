#include "harness/lab/standin/bootstrap.h"

#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lab/standin/machine.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Bootstrap : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "bootstrap-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    paths_.data = name;
    ca_ = paths_.tls() / "server-ca.crt";
    write("first", 1000);
    kept_ = bootstrap_data(paths_);
  }

  void TearDown() override { fs::remove_all(paths_.data); }

  void write(const std::string& content, std::int64_t seconds) {
    ASSERT_TRUE(machine::write_file(ca_, content));
    const timespec both[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, ca_.c_str(), both, 0), 0);
  }

  Status reconcile() {
    testing::internal::CaptureStdout();
    Status done = reconcile_files(paths_, kept_);
    said_ = testing::internal::GetCapturedStdout();
    return done;
  }

  Paths paths_;
  fs::path ca_;
  std::string kept_;
  std::string said_;
};

TEST_F(Bootstrap, says_nothing_when_content_is_the_same_however_new_the_file) {
  write("first", 5000);
  ASSERT_TRUE(reconcile());
  EXPECT_EQ(said_, "");
}

TEST_F(Bootstrap, writes_back_what_differs_and_is_not_newer) {
  write("second", 1002);
  ASSERT_TRUE(reconcile());
  EXPECT_EQ(machine::read_file(ca_).value(), "first");
  EXPECT_THAT(said_, HasSubstr("server-ca.crt will be updated from the datastore."));
  EXPECT_THAT(said_, HasSubstr("Updating bootstrap data on disk from datastore"));

  struct stat status {};

  ASSERT_EQ(::stat(ca_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mtime, 1000);
}

TEST_F(Bootstrap, is_written_for_a_server_that_has_nothing_yet) {
  fs::remove(ca_);
  const Status done = write_bootstrap_files(paths_, kept_);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(machine::read_file(ca_).value(), "first");
  EXPECT_FALSE(write_bootstrap_files(paths_, "<html>"));
}

TEST_F(Bootstrap, refuses_what_differs_and_is_three_seconds_newer) {
  write("second", 1003);
  const Status done = reconcile();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::refused);
  EXPECT_EQ(done.error().message(),
            ca_.string() +
                " newer than datastore and could cause a cluster outage. Remove the file(s) from "
                "disk and restart to be recreated from datastore.");
  EXPECT_EQ(machine::read_file(ca_).value(), "second");
}

TEST_F(Bootstrap, writes_back_what_is_gone) {
  fs::remove(ca_);
  ASSERT_TRUE(reconcile());
  EXPECT_EQ(machine::read_file(ca_).value(), "first");
}

TEST_F(Bootstrap, is_found_by_its_token_only) {
  Config config;
  config.token = "one";
  const std::string key = bootstrap_key(config, paths_);
  const Json kept = {
      {"kvs", Json::array({{{"key", machine::base64(key)}, {"value", machine::base64(kept_)}}})}};
  EXPECT_EQ(bootstrap_value(kept, key).value(), kept_);
  EXPECT_EQ(bootstrap_value(Json::object(), key).value(), "");
  config.token = "another";
  const auto other = bootstrap_value(kept, bootstrap_key(config, paths_));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message(),
            "bootstrap data already found and encrypted with different token");
}

TEST_F(Bootstrap, takes_the_token_on_disk_when_none_is_configured) {
  ASSERT_TRUE(machine::write_file(paths_.server() / "token",
                                  "K10" + std::string(64, 'a') + "::server:one\n"));
  Config config;
  const std::string from_disk = bootstrap_key(config, paths_);
  config.token = "one";
  EXPECT_EQ(from_disk, bootstrap_key(config, paths_));
}

}  // namespace
}  // namespace harness::standin
