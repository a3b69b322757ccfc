#include "harness/lab/standin/manifest.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/yaml.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class Manifest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "manifest-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    ASSERT_TRUE(machine::write_file(root_ / "cert", "certificate"));
  }

  void TearDown() override { fs::remove_all(root_); }

  fs::path pods() const { return root_ / "agent/pod-manifests"; }

  PodArgs args() const {
    PodArgs out;
    out.command = "etcd";
    out.image = "index.docker.io/rancher/hardened-etcd:v1";
    out.args = {"--cert=" + (root_ / "cert").string(), "--name=x", "--dir=/"};
    out.cpu = "200m";
    out.memory = "512Mi";
    out.health_port = 2381;
    return out;
  }

  std::string uid_after(const PodArgs& changed) {
    EXPECT_TRUE(write_pod(pods(), changed));
    return uid_in(*machine::read_file(pods() / "etcd.yaml"));
  }

  fs::path root_;
};

TEST_F(Manifest, has_a_uid_of_32_hex_digits) {
  EXPECT_THAT(uid_after(args()), testing::MatchesRegex("[0-9a-f]{32}"));
}

TEST_F(Manifest, keeps_uid_and_file_when_nothing_changes) {
  const std::string uid = uid_after(args());
  const auto written = fs::last_write_time(pods() / "etcd.yaml");
  EXPECT_EQ(uid_after(args()), uid);
  EXPECT_EQ(fs::last_write_time(pods() / "etcd.yaml"), written);
}

TEST_F(Manifest, changes_its_uid_with_the_image) {
  const std::string uid = uid_after(args());
  PodArgs other = args();
  other.image += "2";
  EXPECT_NE(uid_after(other), uid);
}

TEST_F(Manifest, changes_its_uid_with_the_content_of_a_file_in_its_arguments) {
  const std::string uid = uid_after(args());
  ASSERT_TRUE(machine::write_file(root_ / "cert", "renewed"));
  EXPECT_NE(uid_after(args()), uid);
}

TEST_F(Manifest, changes_its_uid_with_a_variable_that_the_pod_takes_over) {
  const std::string uid = uid_after(args());
  PodArgs other = args();
  other.environment["HTTPS_PROXY"] = "http://proxy";
  EXPECT_NE(uid_after(other), uid);
}

TEST_F(Manifest, changes_its_uid_with_its_path) {
  const Json pod = pod_object(args(), {}, "hash");
  EXPECT_NE(pod_uid(pod, "/a/etcd.yaml"), pod_uid(pod, "/b/etcd.yaml"));
}

TEST_F(Manifest, leaves_no_temporary_file_beside_it) {
  uid_after(args());
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(root_ / "agent")) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, ElementsAre("pod-manifests"));
  EXPECT_EQ(fs::status(pods()).permissions(), fs::perms::owner_all);
}

TEST_F(Manifest, carries_what_sync_selects_by) {
  const Json pod = pod_object(args(), {}, "hash");
  EXPECT_EQ(pod["metadata"]["labels"]["component"], "etcd");
  EXPECT_EQ(pod["metadata"]["labels"]["tier"], "control-plane");
  EXPECT_EQ(pod["metadata"]["namespace"], "kube-system");
  EXPECT_EQ(pod["spec"]["containers"][0]["env"][0]["name"], "FILE_HASH");
}

TEST_F(Manifest, raises_the_period_of_probes_that_run_a_program) {
  PodArgs with = args();
  with.ready_exec = {"kubectl", "get"};
  const Json container = pod_object(with, {}, "hash")["spec"]["containers"][0];
  EXPECT_EQ(container["readinessProbe"]["periodSeconds"], 5);
  EXPECT_EQ(container["livenessProbe"]["httpGet"]["port"], 2381);
}

TEST_F(Manifest, finds_files_in_arguments_and_in_the_kubeconfig_they_name) {
  const std::string certificate = root_ / "client.crt";
  const std::string kubeconfig = root_ / "kubeconfig";
  ASSERT_TRUE(machine::write_file(certificate, "x"));
  ASSERT_TRUE(machine::write_file(kubeconfig, "    client-certificate: " + certificate + "\n"));
  EXPECT_THAT(files_in_args({"--kubeconfig=" + kubeconfig,
                             "--again=" + kubeconfig,
                             "--gone=/nowhere/at/all",
                             "plain"},
                            {}),
              ElementsAre(certificate, kubeconfig));
  EXPECT_THAT(files_in_args({"--log=" + certificate}, {certificate}), ElementsAre());
}

TEST_F(Manifest, names_the_file_that_it_cannot_hash) {
  PodArgs broken = args();
  broken.files = {(root_ / "missing").string()};
  const auto written = write_pod(pods(), broken);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::internal);
  EXPECT_THAT(written.error().message(), testing::HasSubstr("missing"));
}

}  // namespace
}  // namespace harness::standin
