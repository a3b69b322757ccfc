#include "harness/lab/standin/controllers.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/lab/standin/fake_apiserver.h"
#include "harness/lab/standin/hooks.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/rbac.h"

namespace harness::standin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

// An apiserver that has addons already and answers one method with an error.
class Definitions : public testing::Test {
 protected:
  std::string register_with(const std::string& broken_method) {
    const auto answer = [broken_method](const ServerRequest& request) -> ServerReply {
      if (request.method == broken_method) {
        return {500, R"({"message":"out of order"})", "application/json"};
      }
      if (request.path == kPath && request.method == "GET") {
        return {
            200, R"({"items":[{"metadata":{"name":"addons.k3s.cattle.io"}}]})", "application/json"};
      }
      return {200,
              R"({"spec":{},"status":{"conditions":[{"type":"Established","status":"True"}]}})",
              "application/json"};
    };
    Kube kube(start_fake_apiserver(answer), {});
    testing::internal::CaptureStdout();
    std::string why = register_definitions(kube);
    said_ = testing::internal::GetCapturedStdout();
    return why;
  }

  std::string said_;
};

TEST_F(Definitions, are_updated_where_they_are_and_created_where_not) {
  EXPECT_EQ(register_with(""), "");
  EXPECT_THAT(said_, HasSubstr("Updating embedded CRD addons.k3s.cattle.io"));
  EXPECT_THAT(said_, HasSubstr("Creating embedded CRD helmcharts.helm.cattle.io"));
}

TEST_F(Definitions, that_cannot_be_written_are_named) {
  EXPECT_EQ(register_with("PUT"), "failed to update crd 'addons.k3s.cattle.io': out of order");
  EXPECT_EQ(register_with("POST"),
            "failed to create crd 'etcdsnapshotfiles.k3s.cattle.io': out of order");
}

TEST(DefinitionsWithoutApiserver, fail_at_the_first_write_and_not_at_the_list) {
  Kube kube("https://127.0.0.1:1", {});
  testing::internal::CaptureStdout();
  const std::string why = register_definitions(kube);
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_THAT(said, HasSubstr("level=warning msg=\"unable to list existing CRDs: "));
  EXPECT_EQ(why,
            "failed to create crd 'addons.k3s.cattle.io': Post "
            "\"https://127.0.0.1:1/apis/apiextensions.k8s.io/v1/customresourcedefinitions?timeout="
            "15m0s\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(ServerMarks, name_the_member_and_not_the_node) {
  std::string name = (fs::temp_directory_path() / "marks-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  Node node;
  node.paths.data = name;
  node.config.node_name = "cp-1";
  ASSERT_TRUE(machine::write_file(node.paths.etcd_db() / "name", "cp-1-0a1b2c3d"));
  EXPECT_EQ(server_marks(node)["annotations"]["etcd.rke2.cattle.io/node-name"], "cp-1-0a1b2c3d");
  fs::remove_all(name);
}

TEST(SelfDelete, counts_a_node_that_was_marked_before_the_watch) {
  const auto list = [](const char* metadata) {
    return parse_json(std::string(R"({"items":[{"metadata":)") + metadata + "}]}").value();
  };
  EXPECT_FALSE(lists_removal(list(R"({"name":"cp-1"})")));
  EXPECT_TRUE(lists_removal(list(R"({"deletionTimestamp":"2025-05-16T09:07:39Z"})")));
  EXPECT_TRUE(lists_removal(list(R"({"annotations":{"etcd.rke2.cattle.io/remove":"true"}})")));
  EXPECT_FALSE(lists_removal(list(R"({"annotations":{"etcd.rke2.cattle.io/remove":"false"}})")));
  EXPECT_FALSE(lists_removal(Json::object()));
}

TEST(Rbac, gives_a_namespace_to_the_cloud_controllers_subjects_only) {
  int bindings = 0;
  for (const auto& wanted : rbac_objects()) {
    if (wanted.object.contains("subjects")) {
      const Json& subject = wanted.object["subjects"][0];
      EXPECT_EQ(json_string(subject, "namespace"),
                subject["name"] == "rke2-cloud-controller-manager" ? "kube-system" : "")
          << wanted.name();
      ++bindings;
    }
  }
  EXPECT_EQ(bindings, 6);
}

}  // namespace
}  // namespace harness::standin
