#include "harness/lab/standin/rbac.h"

#include "harness/base/eventually.h"
#include "harness/base/time.h"
#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace {

constexpr const char* kApi = "/apis/rbac.authorization.k8s.io/v1/";
constexpr const char* kGroup = "rbac.authorization.k8s.io";
constexpr const char* kProxy = "system:kube-proxy";
constexpr const char* kController = "system:rke2-controller";
constexpr const char* kCloud = "rke2-cloud-controller-manager";
constexpr const char* kSource = "storage_rbac.go:231";

using Words = std::vector<std::string>;

Json rule(const Words& verbs, const std::string& group, const Words& resources) {
  return {{"verbs", verbs}, {"apiGroups", Json::array({group})}, {"resources", resources}};
}

Json metadata(const std::string& name) {
  return {{"name", name},
          {"labels", {{"rke2.io/bootstrapping", "rbac-defaults"}}},
          {"annotations", {{"rbac.authorization.kubernetes.io/autoupdate", "true"}}}};
}

RbacObject cluster_role(const std::string& name, const Json& rules) {
  return {std::string(kApi) + "clusterroles",
          {{"apiVersion", "rbac.authorization.k8s.io/v1"},
           {"kind", "ClusterRole"},
           {"metadata", metadata(name)},
           {"rules", rules}}};
}

// The product gives the cloud controller's users a namespace, others none.
Json subjects(const std::string& user) {
  Json one = {{"apiGroup", kGroup}, {"kind", "User"}, {"name", user}};
  if (user == kCloud) {
    one["namespace"] = "kube-system";
  }
  return Json::array({one});
}

RbacObject binding(const std::string& name, const std::string& role, const std::string& user) {
  return {std::string(kApi) + "clusterrolebindings",
          {{"apiVersion", "rbac.authorization.k8s.io/v1"},
           {"kind", "ClusterRoleBinding"},
           {"metadata", metadata(name)},
           {"roleRef", {{"apiGroup", kGroup}, {"kind", "ClusterRole"}, {"name", role}}},
           {"subjects", subjects(user)}}};
}

RbacObject reader_binding() {
  Json meta = metadata(std::string(kCloud) + "-authentication-reader");
  meta["namespace"] = "kube-system";
  return {std::string(kApi) + "namespaces/kube-system/rolebindings",
          {{"apiVersion", "rbac.authorization.k8s.io/v1"},
           {"kind", "RoleBinding"},
           {"metadata", meta},
           {"roleRef",
            {{"apiGroup", kGroup},
             {"kind", "Role"},
             {"name", "extension-apiserver-authentication-reader"}}},
           {"subjects", subjects(kCloud)}}};
}

// The part that must be as wanted.
const char* essence(const RbacObject& wanted) {
  return wanted.object.contains("rules") ? "rules" : "subjects";
}

std::string ensure_one(Kube& kube, const RbacObject& wanted) {
  const KubeReply present = kube.get(wanted.path());
  if (present.not_found()) {
    const KubeReply created = kube.create(wanted.collection, wanted.object);
    return created.conflict() ? "" : created.error;
  }
  if (!present.ok()) {
    return present.error;
  }
  const char* key = essence(wanted);
  if (present.body.value(key, Json()) == wanted.object[key]) {
    return {};
  }
  Json changed = present.body;
  changed[key] = wanted.object[key];
  return kube.update(wanted.path(), changed).error;
}

}  // namespace

std::vector<RbacObject> rbac_objects() {
  return {
      cluster_role(kProxy, Json::array({rule({"get", "list"}, "", {"nodes"})})),
      cluster_role(
          kController,
          Json::array(
              {rule({"get"}, "", {"nodes"}),
               rule({"list", "watch"}, "", {"namespaces"}),
               rule({"list", "watch"}, "networking.k8s.io", {"networkpolicies"}),
               rule({"list", "watch", "get"}, "", {"endpoints", "pods"}),
               rule({"create"}, "", {"serviceaccounts/token"}),
               rule({"list", "get"}, "helm.cattle.io", {"helmcharts", "helmchartconfigs"})})),
      cluster_role(
          kCloud,
          Json::array({rule({"get", "create", "update"}, "coordination.k8s.io", {"leases"}),
                       rule({"create", "patch", "update"}, "", {"events"}),
                       rule({"*"}, "", {"nodes"}),
                       rule({"patch"}, "", {"nodes/status", "services/status"}),
                       rule({"get", "list", "watch", "patch", "update"}, "", {"services", "pods"}),
                       rule({"create", "get"}, "", {"serviceaccounts"}),
                       rule({"create", "get"}, "", {"namespaces"}),
                       rule({"*"}, "apps", {"daemonsets"}),
                       rule({"get", "list", "watch"}, "discovery.k8s.io", {"endpointslices"})})),
      binding("kube-apiserver-kubelet-admin", "system:kubelet-api-admin", "kube-apiserver"),
      binding(std::string(kCloud) + "-auth-delegator", "system:auth-delegator", kCloud),
      binding(kCloud, kCloud, kCloud),
      binding(kProxy, kProxy, kProxy),
      binding(kController, kController, kController),
      reader_binding()};
}

bool ensure_rbac_once(Kube& kube) {
  for (const char* collection : {"clusterroles", "clusterrolebindings"}) {
    const KubeReply list = kube.get(std::string(kApi) + collection);
    if (!list.ok()) {
      logrus::write_klog(
          'E', kSource, std::string("unable to initialize ") + collection + ": " + list.error);
      return false;
    }
  }
  for (const auto& wanted : rbac_objects()) {
    if (const std::string error = ensure_one(kube, wanted); !error.empty()) {
      const std::string kind = wanted.object["kind"];
      logrus::write_klog(
          'E',
          kSource,
          "unable to reconcile " + kind + "." + kGroup + "/" + wanted.name() + ": " + error);
    }
  }
  return true;
}

std::string ensure_rbac(Kube& kube) {
  constexpr auto limit = std::chrono::seconds(30);
  constexpr auto period = std::chrono::seconds(1);
  const Deadline deadline = Deadline::after(limit);
  do {
    paced(period, {});
    if (ensure_rbac_once(kube)) {
      return {};
    }
  } while (!deadline.passed());
  return "unable to initialize roles: timed out waiting for the condition";
}

void trim_subjects(Kube& kube) {
  for (const auto& wanted : rbac_objects()) {
    if (wanted.object.contains("subjects")) {
      kube.merge(wanted.path(), {{"subjects", wanted.object["subjects"]}});
    }
  }
}

}  // namespace harness::standin
