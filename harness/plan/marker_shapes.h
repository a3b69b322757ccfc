// One text in the shapes in which journals show it, and in those in which it is not the service's
// own line; and lines that stand between the moments of a start and mark nothing.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.h"

namespace harness::plan::table {

inline std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return out;
}

inline std::string logrus(const std::string& msg, const std::string& level = "info") {
  return "time=\"2025-05-16T09:07:39Z\" level=" + level + " msg=\"" + quoted(msg) + "\"";
}

inline Json fact(const std::string& line, const char* ident = "rke2") {
  return {{"type", "journal"}, {"ident", ident}, {"invocation", "aa"}, {"line", line}};
}

// The same moment as journals of different set-ups show it: with and without a prefix (months in
// any language), with and without time, for terminals, as JSON.
inline std::vector<std::string> shapes(const std::string& msg) {
  const std::string in = quoted(msg);
  return {logrus(msg),
          "level=info msg=\"" + in + "\"",
          "level=info time=\"2025-05-16T09:07:39Z\" msg=\"" + in + "\" component=rke2",
          logrus(msg) + " stack=none",
          "INFO[0012] " + msg,
          "INFO[0012] " + msg + "                  ",
          "{\"level\":\"info\",\"msg\":\"" + in + "\",\"time\":\"2025-05-16T09:07:39Z\"}",
          "{\"msg\":\"" + in + "\",\"level\":\"info\"}",
          "{\"msg\":\"" + in + "\"}",
          "May 16 09:07:39 cp-1 rke2[4711]: " + logrus(msg),
          "May 16 09:07:39.123456 cp-1 rke2[4711]: " + logrus(msg),
          "2025-05-16T09:07:39+0200 cp-1.example.org rke2[4711]: " + logrus(msg),
          "Mär 16 09:07:39 cp-1 rke2[4711]: " + logrus(msg),
          "5月 16 09:07:39 cp-1 rke2[4711]: " + logrus(msg)};
}

inline std::string zap(const std::string& logger, const std::string& msg) {
  return "{\"level\":\"info\",\"ts\":\"2025-05-16T09:07:39.1Z\"," +
         (logger.empty() ? "" : "\"logger\":\"" + logger + "\",") +
         "\"caller\":\"v3/retry_interceptor.go:63\",\"msg\":\"" + quoted(msg) + "\"}";
}

// Lines that carry the same words and mark nothing.
inline std::vector<std::string> look_alikes(const std::string& msg) {
  const std::string in = quoted(msg);
  const std::string half = quoted(msg.substr(0, msg.size() / 2));
  return {
      logrus("Waiting: " + msg),
      logrus("Event occurred: message=\"" + msg + "\""),
      logrus("something else") + " note=\"" + in + "\"",
      logrus("a\n" + msg),
      // Cut by a pager or a limit: at the end, and in the middle.
      "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + in,
      "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + half + ">",
      "{\"level\":\"info\",\"msg\":\"" + half,
      "May 16 09:07:39 cp-1 rke2[4711]: time=\"2025-05-16T09:07…" + in.substr(in.size() / 2) + "\"",
      "I0516 09:07:39.123456    4711 server.go:42] " + msg,
      "E0516 09:07:39.123456    4711 server.go:42] \"" + in + "\"",
      zap("rke2-etcd-client", msg),
      zap("etcd-client", msg),
      zap("k3s.remotestore", msg),
      zap("", msg),
      "panic: " + msg,
      "fatal error: " + msg,
      "goroutine 1 [running]: " + msg,
      "\t" + msg,
      "+ /usr/bin/echo " + msg,
      msg};
}

// RKE2's own lines, whole and in place, that neither open nor close a window on any release.
// NOLINTNEXTLINE(readability-function-size): a table
inline std::vector<std::string> silent_lines() {
  std::vector<std::string> out = {
      // Multi-line panics: empty lines, frames, tabs.
      "panic: runtime error: invalid memory address or nil pointer dereference",
      "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1d2c3b4]",
      "",
      "goroutine 171 [running]:",
      "github.com/k3s-io/k3s/pkg/server.runControllers({0x6f2a8c8, 0xc0001a2000}, 0xc000f3c000)",
      "\t/go/pkg/mod/github.com/k3s-io/k3s@v1.30.12/pkg/server/server.go:152 +0x3a5",
      "created by github.com/k3s-io/k3s/pkg/server.StartServer in goroutine 1",
      // The temporary etcd's own, in rke2's journal and not the member's.
      zap("", "9c2b7f elected leader 9c2b7f at term 4"),
      zap("", "published local member to cluster through raft"),
      zap("", "ready to serve client requests"),
      zap("k3s.remotestore", "retrying of unary invoker failed"),
      zap("rke2-etcd-client", "retrying of unary invoker failed"),
      "I0516 09:07:39.123456    4711 event.go:389] \"Event occurred\" kind=\"Addon\"",
      "E0516 09:07:39.123456    4711 leaderelection.go:436] error retrieving resource lock",
      // An ordinary stop, and deaths.
      logrus("context canceled", "fatal"),
      logrus("runtimes: failed to get runtime classes", "fatal"),
      logrus("failed to start controllers: failed to create new server context: failed to register "
             "CRDs: EOF",
             "fatal"),
      logrus("Failed waiting for static pods to sync: timed out waiting for the condition",
             "fatal"),
      logrus("leaderelection lost for rke2-etcd", "fatal"),
  };
  for (const char* msg :
       {"Removed kube-apiserver static pod manifest",
        "Removed kube-proxy static pod manifest",
        "Waiting for cri connection: rpc error: code = Unavailable",
        "Waiting for containerd startup: rpc error: code = Unavailable",
        ("Failed to find index.docker.io/rancher/rke2-runtime:v1.30.13-rke2r1 in images.tar.gz: "
         "tag "
         "not found in tarball"),
        "Imported docker.io/rancher/hardened-etcd:v3.5.21-k3s1",
        "Image docker.io/rancher/hardened-etcd:v3.5.21-k3s1 has already been pulled",
        "Running containerd -c /var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        "Running temporary containerd -c /var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        "Running kube-apiserver --advertise-address=192.0.2.11",
        "Running kube-scheduler --bind-address=127.0.0.1",
        "Running kube-proxy --cluster-cidr=10.42.0.0/16",
        "Kubelet exited: exit status 1",
        "ETCD server is now running",
        "etcd temporary data store connection OK",
        "Failed to test etcd connection: etcdserver: no leader",
        "Failed to test data store connection: context deadline exceeded",
        "Failed to test temporary data store connection: context deadline exceeded",
        "Connected to etcd v3.5.21 - datastore using 16384 of 20480 bytes",
        "Waiting for etcd server to become available",
        "Failed to remove old etcd pod sandbox: rpc error: code = DeadlineExceeded",
        "Pod for kube-controller-manager is synced",
        "Pod for cloud-controller-manager not synced (pod sandbox not found), retrying",
        "Latest etcd manifest deployed",
        "kube-apiserver pod not found, retrying",
        "Saving cluster bootstrap data to datastore",
        "Watching for delete of cp-1 Node object",
        "Network policy apply failed, will retry: connection refused",
        "updating service account: default",
        "Wrote kubeconfig /etc/rancher/rke2/rke2.yaml",
        "Starting /v1, Kind=Secret controller",
        "Starting /v1, Kind=Node controllers",
        "Starting k3s.cattle.io/v1, Kind=Addon controller",
        "Starting helm.cattle.io/v1, Kind=HelmChart controller",
        ("Waiting to retrieve kube-proxy configuration; server is not ready: "
         "https://127.0.0.1:9345/v1-rke2/readyz: 500 Internal Server Error"),
        "Starting k3s v1.30.13+k3s1 (e77f78ee)",
        "k3s is up and running"}) {
    out.push_back(logrus(msg));
  }
  return out;
}

}  // namespace harness::plan::table
