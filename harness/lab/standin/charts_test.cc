#include "harness/lab/standin/charts.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/lab/standin/fake_apiserver.h"

namespace harness::standin {
namespace {

using testing::ElementsAre;

// An apiserver with one job, or none, that writes down what it is asked to do.
class Jobs : public testing::Test {
 protected:
  bool ensure(const std::string& hash_there, int status_of_create = 201) {
    const auto answer = [=, this](const ServerRequest& request) -> ServerReply {
      if (request.method != "GET") {
        asked_.push_back(request.method + " " + request.path);
        return {request.method == "POST" ? status_of_create : 200, "{}", "application/json"};
      }
      if (hash_there.empty()) {
        return {404, R"({"message":"not found"})", "application/json"};
      }
      const Json job = {{"metadata", {{"annotations", {{kConfigHash, hash_there}}}}}};
      return {200, job.dump(), "application/json"};
    };
    Kube kube(start_fake_apiserver(answer), {});
    return ensure_chart_job(kube, node_, "rke2-canal", "new");
  }

  Node node_;
  std::vector<std::string> asked_;
};

constexpr const char* kCreate = "POST /apis/batch/v1/namespaces/kube-system/jobs";

TEST_F(Jobs, of_the_same_chart_are_left_alone) {
  EXPECT_TRUE(ensure("new"));
  EXPECT_THAT(asked_, ElementsAre());
}

TEST_F(Jobs, are_made_where_there_is_none_and_asked_for_again_when_refused) {
  EXPECT_TRUE(ensure(""));
  EXPECT_FALSE(ensure("", 500));
  EXPECT_THAT(asked_, ElementsAre(kCreate, kCreate));
}

TEST_F(Jobs, of_an_older_chart_go_first) {
  EXPECT_FALSE(ensure("old"));
  EXPECT_THAT(asked_,
              ElementsAre(testing::StartsWith("DELETE /apis/batch/v1/namespaces/kube-system/jobs/"
                                              "helm-install-rke2-canal")));
}

TEST_F(Jobs, run_on_a_server_in_the_image_of_the_release) {
  node_.build.kubernetes = "v1.30.13-rke2r1";
  const Json job = chart_job(node_, "rke2-canal", "h");
  EXPECT_EQ(job["metadata"]["name"], "helm-install-rke2-canal");
  const Json pod = job["spec"]["template"]["spec"];
  EXPECT_EQ(pod["containers"][0]["image"], node_.build.kubernetes_image());
  EXPECT_EQ(pod["nodeSelector"]["node-role.kubernetes.io/control-plane"], "true");
}

}  // namespace
}  // namespace harness::standin
