#include "harness/lab/standin/components.h"

namespace harness::standin {

namespace {

std::vector<std::string> apiserver_probe(const Node& node, const std::string& path) {
  const std::string tls = node.paths.tls();
  return {"kubectl",
          "get",
          "--server=https://localhost:6443/",
          "--client-certificate=" + tls + "/client-kube-apiserver.crt",
          "--client-key=" + tls + "/client-kube-apiserver.key",
          "--certificate-authority=" + tls + "/server-ca.crt",
          "--raw=" + path};
}

PodArgs common(const Node& node, const std::string& command) {
  PodArgs pod;
  pod.command = command;
  pod.image = node.build.kubernetes_image();
  pod.environment = proxy_environment();
  pod.files = {node.paths.etcd_db() / "name"};
  pod.private_file = node.config.cis();
  return pod;
}

}  // namespace

PodArgs apiserver_pod(const Node& node) {
  const std::string tls = node.paths.tls();
  PodArgs pod = common(node, "kube-apiserver");
  pod.args = {"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
              "--advertise-address=" + node.config.node_ip,
              "--allow-privileged=true",
              "--anonymous-auth=false",
              "--api-audiences=https://kubernetes.default.svc.cluster.local,rke2",
              "--authorization-mode=Node,RBAC",
              "--bind-address=0.0.0.0",
              "--cert-dir=" + tls + "/temporary-certs",
              "--client-ca-file=" + tls + "/client-ca.crt",
              "--enable-admission-plugins=NodeRestriction",
              "--enable-aggregator-routing=true",
              "--etcd-cafile=" + tls + "/etcd/server-ca.crt",
              "--etcd-certfile=" + tls + "/etcd/client.crt",
              "--etcd-keyfile=" + tls + "/etcd/client.key",
              "--etcd-servers=https://127.0.0.1:2379",
              "--kubelet-certificate-authority=" + tls + "/server-ca.crt",
              "--kubelet-client-certificate=" + tls + "/client-kube-apiserver.crt",
              "--kubelet-client-key=" + tls + "/client-kube-apiserver.key",
              "--profiling=false",
              "--proxy-client-cert-file=" + tls + "/client-auth-proxy.crt",
              "--proxy-client-key-file=" + tls + "/client-auth-proxy.key",
              "--requestheader-allowed-names=system:auth-proxy",
              "--requestheader-client-ca-file=" + tls + "/request-header-ca.crt",
              "--requestheader-extra-headers-prefix=X-Remote-Extra-",
              "--requestheader-group-headers=X-Remote-Group",
              "--requestheader-username-headers=X-Remote-User",
              "--secure-port=6443",
              "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
              "--service-account-key-file=" + tls + "/service.key",
              "--service-account-signing-key-file=" + tls + "/service.key",
              std::string("--service-cluster-ip-range=") + kServiceCidr,
              "--service-node-port-range=30000-32767",
              "--storage-backend=etcd3",
              "--tls-cert-file=" + tls + "/serving-kube-apiserver.crt",
              "--tls-private-key-file=" + tls + "/serving-kube-apiserver.key"};
  for (const auto& extra : node.config.kube_apiserver_arg) {
    pod.args.push_back("--" + extra);
  }
  pod.dirs = {node.paths.server()};
  pod.exclude_files = {node.paths.cred() / "encryption-config.json"};
  pod.health_exec = apiserver_probe(node, "/livez");
  pod.ready_exec = apiserver_probe(node, "/readyz");
  pod.cpu = "250m";
  pod.memory = "1024Mi";
  return pod;
}

PodArgs controller_manager_pod(const Node& node) {
  const std::string tls = node.paths.tls();
  const std::string kubeconfig = node.paths.cred() / "controller.kubeconfig";
  PodArgs pod = common(node, "kube-controller-manager");
  pod.args = {"--flex-volume-plugin-dir=/var/lib/kubelet/volumeplugins",
              "--terminated-pod-gc-threshold=1000",
              "--permit-port-sharing=true",
              "--allocate-node-cidrs=true",
              "--authentication-kubeconfig=" + kubeconfig,
              "--authorization-kubeconfig=" + kubeconfig,
              "--bind-address=127.0.0.1",
              std::string("--cluster-cidr=") + kClusterCidr,
              "--cluster-signing-cert-file=" + tls + "/client-ca.crt",
              "--cluster-signing-key-file=" + tls + "/client-ca.key",
              "--configure-cloud-routes=false",
              "--controllers=*,tokencleaner,-service,-route,-cloud-node-lifecycle",
              "--kubeconfig=" + kubeconfig,
              "--port=0",
              "--profiling=false",
              "--root-ca-file=" + tls + "/server-ca.crt",
              "--secure-port=10257",
              "--service-account-private-key-file=" + tls + "/service.key",
              std::string("--service-cluster-ip-range=") + kServiceCidr,
              "--use-service-account-credentials=true"};
  pod.health_port = 10257;
  pod.cpu = "200m";
  pod.memory = "256Mi";
  return pod;
}

PodArgs scheduler_pod(const Node& node) {
  const std::string kubeconfig = node.paths.cred() / "scheduler.kubeconfig";
  PodArgs pod = common(node, "kube-scheduler");
  pod.args = {"--permit-port-sharing=true",
              "--authentication-kubeconfig=" + kubeconfig,
              "--authorization-kubeconfig=" + kubeconfig,
              "--bind-address=127.0.0.1",
              "--kubeconfig=" + kubeconfig,
              "--port=0",
              "--profiling=false",
              "--secure-port=10259"};
  pod.health_port = 10259;
  pod.cpu = "100m";
  pod.memory = "128Mi";
  return pod;
}

}  // namespace harness::standin
