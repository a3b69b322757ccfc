#include "harness/lab/standin/charts.h"

#include <filesystem>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {

namespace {

constexpr const char* kJobs = "/apis/batch/v1/namespaces/kube-system/jobs";
constexpr auto kPeriod = std::chrono::seconds(1);

}  // namespace

Json chart_job(const Node& node, const std::string& chart, const std::string& hash) {
  const Json labels = {{"helmcharts.helm.cattle.io/chart", chart}};
  const Json container = {{"name", "helm"},
                          {"image", node.build.kubernetes_image()},
                          {"imagePullPolicy", "IfNotPresent"},
                          {"command", {"kubectl", "version", "--client"}}};
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata",
           {{"name", "helm-install-" + chart},
            {"namespace", "kube-system"},
            {"labels", labels},
            {"annotations", {{kConfigHash, hash}}}}},
          {"spec",
           {{"backoffLimit", 1000},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"restartPolicy", "OnFailure"},
                {"hostNetwork", true},
                {"automountServiceAccountToken", false},
                {"nodeSelector", {{"node-role.kubernetes.io/control-plane", "true"}}},
                {"tolerations", Json::array({{{"operator", "Exists"}}})},
                {"containers", Json::array({container})}}}}}}}};
}

bool ensure_chart_job(Kube& kube,
                      const Node& node,
                      const std::string& chart,
                      const std::string& hash) {
  const Json wanted = chart_job(node, chart, hash);
  const std::string path = fmt::format("{}/helm-install-{}", kJobs, chart);
  const KubeReply seen = kube.get(path);
  if (seen.ok()) {
    const Json metadata = seen.body.value("metadata", Json::object());
    if (json_string(metadata.value("annotations", Json::object()), kConfigHash) == hash) {
      return true;
    }
    kube.remove(path + "?propagationPolicy=Background");
    return false;
  }
  return seen.not_found() && kube.create(kJobs, wanted).ok();
}

void install_charts(const Node& node) {
  Kube kube(kApiserver, node.supervisor_identity());
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(node.paths.server() / "manifests", ignored)) {
    const auto text = machine::read_file(entry.path());
    const std::string hash =
        machine::sha256_hex(node.build.version.tag() + (text ? *text : std::string()));
    while (!ensure_chart_job(kube, node, entry.path().stem(), hash)) {
      paced(kPeriod, {});
    }
  }
}

}  // namespace harness::standin
