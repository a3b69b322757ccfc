#include "harness/lab/standin/hooks.h"
#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace {

struct Policy {
  std::string name;
  std::string annotation;
  Json selector;
  Json ingress;
};

Json ports(const std::vector<std::pair<std::string, Json>>& list) {
  Json out = Json::array();
  for (const auto& [protocol, port] : list) {
    out.push_back({{"protocol", protocol}, {"port", port}});
  }
  return Json::array({{{"ports", out}}});
}

std::vector<Policy> default_policies() {
  const Json everybody = Json::object();
  return {{"default-network-policy",
           "np.rke2.io",
           everybody,
           Json::array({{{"from", Json::array({{{"podSelector", everybody}}})}}})}};
}

Policy labelled(const std::string& name,
                const std::string& annotation,
                const std::string& label,
                const std::string& value,
                const Json& ingress) {
  return {name, "np.rke2.io/" + annotation, {{"matchLabels", {{label, value}}}}, ingress};
}

std::vector<Policy> system_policies() {
  const std::string app = "app.kubernetes.io/name";
  return {labelled("default-network-dns-policy",
                   "dns",
                   "k8s-app",
                   "kube-dns",
                   ports({{"TCP", 53}, {"UDP", 53}})),
          labelled("default-network-ingress-policy",
                   "ingress",
                   app,
                   "rke2-ingress-nginx",
                   ports({{"TCP", "http"}, {"TCP", "https"}})),
          labelled("default-network-ingress-webhook-policy",
                   "ingress-webhook",
                   app,
                   "rke2-ingress-nginx",
                   ports({{"TCP", "webhook"}})),
          labelled("default-network-traefik-policy",
                   "traefik",
                   app,
                   "rke2-traefik",
                   ports({{"TCP", "web"}, {"TCP", "websecure"}})),
          labelled("default-network-snapshot-validation-webhook-policy",
                   "snapshot-validation-webhook",
                   app,
                   "rke2-snapshot-validation-webhook",
                   ports({{"TCP", "https"}})),
          labelled("default-network-metrics-server-policy",
                   "metrics-server",
                   "app",
                   "rke2-metrics-server",
                   ports({{"TCP", "https"}}))};
}

std::string apply(Kube& kube, const std::vector<Policy>& policies, const std::string& name) {
  const std::string path = "/api/v1/namespaces/" + name;
  KubeReply space = kube.get(path);
  if (!space.ok()) {
    return "networkPolicy: get " + name + " - " + space.error;
  }
  const std::string collection =
      "/apis/networking.k8s.io/v1/namespaces/" + name + "/networkpolicies";
  for (const auto& policy : policies) {
    if (space.body["metadata"].value("annotations", Json::object()).contains(policy.annotation)) {
      continue;
    }
    kube.remove(collection + "/" + policy.name);
    const KubeReply created = kube.create(
        collection,
        {{"apiVersion", "networking.k8s.io/v1"},
         {"kind", "NetworkPolicy"},
         {"metadata", {{"name", policy.name}, {"annotations", {{policy.annotation, "resolved"}}}}},
         {"spec",
          {{"podSelector", policy.selector},
           {"policyTypes", Json::array({"Ingress"})},
           {"ingress", policy.ingress}}}});
    if (!created.ok() && !created.conflict()) {
      return created.error;
    }
    const KubeReply marked =
        kube.merge(path, {{"metadata", {{"annotations", {{policy.annotation, "resolved"}}}}}});
    if (!marked.ok()) {
      return "failed to apply network policy " + policy.name + " to namespace " + name + ": " +
             marked.error;
    }
  }
  return {};
}

bool apply_all(const Node& node) {
  Kube kube(kApiserver, node.supervisor_identity());
  for (const char* name : {"kube-system", "default", "kube-public"}) {
    std::string why = apply(kube, default_policies(), name);
    if (why.empty() && std::string_view(name) == "kube-system") {
      why = apply(kube, system_policies(), name);
    }
    if (!why.empty()) {
      logrus::error("Network policy apply failed, will retry: {}", why);
      return false;
    }
  }
  return true;
}

std::string restrict_one(Kube& kube, const std::string& name) {
  constexpr int tries = 10;
  constexpr auto period = std::chrono::seconds(5);
  const std::string path = "/api/v1/namespaces/" + name + "/serviceaccounts/default";
  KubeReply account;
  for (int left = tries; left > 0; --left) {
    account = kube.get(path);
    if (!account.not_found()) {
      break;
    }
    if (left > 1) {
      paced(period, {});
    }
  }
  if (!account.ok()) {
    return account.error;
  }
  KubeReply updated;
  for (int left = 4; left > 0; --left) {
    account.body["automountServiceAccountToken"] = false;
    updated = kube.update(path, account.body);
    if (!updated.conflict()) {
      break;
    }
    logrus::info("updating service account: default");
    account = kube.get(path);
    if (!account.ok()) {
      return account.error;
    }
  }
  return updated.error;
}

}  // namespace

// Counts as done before the policies are in place: they are applied by a thread of their own that
// tries again.
void set_network_policies(Node& node) {
  background([&node] {
    node.apiserver_ready.wait();
    background([&node] {
      for (;;) {
        logrus::info("Applying network policies...");
        if (apply_all(node)) {
          logrus::info("Applying network policies complete");
          return;
        }
        paced(std::chrono::seconds(5), {});
      }
    });
    node.hooks.done();
  });
}

void restrict_service_accounts(Node& node) {
  logrus::info("Restricting automount...");
  background([&node] {
    node.apiserver_ready.wait();
    Kube kube(kApiserver, node.supervisor_identity());
    for (const char* name : {"kube-system", "default", "kube-public", "kube-node-lease"}) {
      if (const std::string why = restrict_one(kube, name); !why.empty()) {
        logrus::fatal("serviceAccount: namespace {} {}", name, why);
      }
    }
    logrus::info("Restricting automount for default serviceAccounts complete");
    node.hooks.done();
  });
}

}  // namespace harness::standin
