// The table: what RKE2 says in a start, on which releases, and which windows that opens (+) and
// closes (-). Texts are those of its sources and of public threads; the lines are ours. A mark is
// of servers unless it says `agent`.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "harness/base/json.h"

namespace harness::plan::table {

using Tags = std::vector<std::string>;

// Releases on both sides of every change of text.
inline const Tags kSlow = {"v1.28.2+rke2r1",
                           "v1.28.15+rke2r1",
                           "v1.29.12+rke2r1",
                           "v1.29.15+rke2r1",
                           "v1.30.8+rke2r1",
                           "v1.30.11+rke2r1",
                           "v1.31.4+rke2r1",
                           "v1.31.7+rke2r1",
                           "v1.32.0+rke2r1",
                           "v1.32.3+rke2r1"};
inline const Tags kRacing = {"v1.30.12-rc1+rke2r1",
                             "v1.30.12+rke2r1",
                             "v1.30.12+rke2r2",
                             "v1.31.8+rke2r1",
                             "v1.32.4+rke2r1",
                             "v1.33.0+rke2r1"};
inline const Tags kFixed = {"v1.30.13-rc1+rke2r1",
                            "v1.30.13-rc2+rke2r1",
                            "v1.30.13+rke2r1",
                            "v1.31.9+rke2r1",
                            "v1.32.5+rke2r1",
                            "v1.33.1+rke2r1",
                            "v1.34.1+rke2r1",
                            "v1.35.0+rke2r1"};

inline Tags releases() {
  Tags out = kSlow;
  out.insert(out.end(), kRacing.begin(), kRacing.end());
  out.insert(out.end(), kFixed.begin(), kFixed.end());
  return out;
}

inline Tags all_but(const Tags& without) {
  Tags out = releases();
  std::erase_if(out, [&](const std::string& tag) {
    return std::ranges::find(without, tag) != without.end();
  });
  return out;
}

struct Mark {
  std::string text;  // "+preload", "-agent runtime"
  Tags on;           // releases

  Mark(const char* of) : text(of), on(releases()) {}

  Mark(const char* of, Tags only) : text(of), on(std::move(only)) {}
};

struct Row {
  std::string msg;
  std::vector<Mark> marks;
};

struct FactRow {
  Json fact;
  std::vector<Mark> marks;
};

inline const Tags kOldWords = {"v1.28.2+rke2r1"};
inline const Tags kNewest = {"v1.35.0+rke2r1"};
inline const Tags kNoRuntimes = {"v1.28.2+rke2r1",
                                 "v1.28.15+rke2r1",
                                 "v1.29.12+rke2r1",
                                 "v1.30.8+rke2r1",
                                 "v1.31.4+rke2r1",
                                 "v1.32.0+rke2r1",
                                 "v1.35.0+rke2r1"};

// The service's own lines, in the order of a start.
// NOLINTNEXTLINE(readability-function-size): a table
inline std::vector<Row> rows() {
  const std::string image = "index.docker.io/rancher/rke2-runtime:v1.30.13-rc2-rke2r1";
  const std::string images = "/var/lib/rancher/rke2/agent/images";
  const std::vector<Mark> fetching = {
      "-bootstrap", "+runtime", "-agent bootstrap", "+agent runtime"};
  return {
      {"Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d)", {"-pre"}},
      {"Managed etcd cluster bootstrap already complete and initialized",
       {"+bootstrap", "+remote-reconcile"}},
      {"Managed etcd cluster initializing", {"+bootstrap"}},
      {"Managed etcd cluster not yet initialized", {"+bootstrap"}},
      {"Managed etcd disabled on this node", {"+bootstrap"}},
      {"Starting temporary etcd to reconcile with datastore",
       {{"+bootstrap", all_but(kNewest)}, {"+temporary-etcd", all_but(kNewest)}}},
      {"Reconciling bootstrap data between datastore and disk",
       {{"-temporary-etcd", all_but(kNewest)}}},
      {"Successfully reconciled with remote datastore", {"-remote-reconcile"}},
      {"Unable to reconcile with remote datastore: dial tcp 192.0.2.12:9345: connection refused",
       {"-remote-reconcile"}},
      {"Runtime image " + image + " bin and charts directories already exist; skipping extract",
       fetching},
      {"Checking local image archives in " + images + " for " + image, fetching},
      {"Pulling runtime image " + image, fetching},
      {"containerd is now running", {"-runtime", "+preload", "-agent runtime", "+agent preload"}},
      {"Importing images from " + images + "/rke2-images.linux-amd64.tar.zst",
       {"+image-import", "+agent image-import"}},
      {"Imported images from " + images + "/rke2-images.linux-amd64.tar.zst in 9.2s",
       {"-image-import", "-agent image-import"}},
      {"Running kubelet --address=0.0.0.0 --anonymous-auth=false --config-dir=\"/var/lib\"",
       {"-preload", "-image-import", "-agent preload", "-agent image-import", "+agent kubelet"}},
      {"Waiting for container runtime to become ready before joining etcd cluster", {"+join"}},
      {"Adding member cp-2-4f1a=https://192.0.2.12:2380 to etcd cluster "
       "[cp-1-9c2b=https://192.0.2.11:2380]",
       {"+join"}},
      {"Starting etcd to join cluster with members [cp-1-9c2b=https://192.0.2.11:2380]",
       {"-join", "+etcd-start"}},
      {"Starting etcd for existing cluster member", {"+etcd-start"}},
      {"Starting etcd for new cluster, cluster-reset=false", {"+etcd-start"}},
      {"etcd data store connection OK", {{"-etcd-start", kSlow}}},
      {"Connection to etcd is ready", {"-etcd-start"}},
      {"Pod for etcd not synced (waiting for termination of old pod sandbox), retrying",
       {"+static-pod-sync", {"+old-pod-removal", all_but(kOldWords)}}},
      {"Pod for etcd not synced (waiting for termination of old pod), retrying",
       {"+static-pod-sync", {"+old-pod-removal", kOldWords}}},
      {"Pod for etcd not synced (no current running pod found), retrying", {"+static-pod-sync"}},
      {"Pod for etcd not synced (etcd container is not running), retrying", {"+static-pod-sync"}},
      {"Pod for etcd not synced (pod sandbox has changed), retrying", {"+static-pod-sync"}},
      {"Pod for etcd not synced (pod sandbox not found), retrying", {"+static-pod-sync"}},
      {"Pod for etcd not synced (failed to list pod sandboxes: rpc error: code = Unavailable desc "
       "= error reading from server: \"EOF\"), retrying",
       {"+static-pod-sync"}},
      {"Pod for etcd is synced", {"+static-pod-sync"}},
      {"Pod for kube-apiserver not synced (waiting for termination of old pod sandbox), retrying",
       {"+static-pod-sync", {"+old-pod-removal", all_but(kOldWords)}}},
      {"Pod for kube-apiserver not synced (waiting for termination of old pod), retrying",
       {"+static-pod-sync", {"+old-pod-removal", kOldWords}}},
      {"Pod for kube-apiserver not synced (failed to decode manifest: unexpected EOF), retrying",
       {"+static-pod-sync"}},
      {"Pod for kube-apiserver is synced",
       {"-static-pod-sync", "-old-pod-removal", {"+readyz", kFixed}}},
      {"Waiting for API server to become available", {{"+readyz", kSlow}}},
      {"Polling for API server readiness: GET /readyz failed: connection refused",
       {{"+readyz", kRacing}, {"+readyz", kFixed}}},
      {"Kube API server is now running", {"-readyz", "+start-up-hooks"}},
      {"Applying Cluster Role Bindings", {"+start-up-hooks", "+cluster-roles"}},
      {"Cluster Role Bindings applied successfully", {"-cluster-roles", "+stage"}},
      {"Setting runtimes", {{"+start-up-hooks", all_but(kNoRuntimes)}}},
      {"Applying network policies...", {"+network-policies"}},
      {"Applying network policies complete", {"-network-policies"}},
      {"Restricting automount...", {"+service-accounts"}},
      {"Restricting automount for default serviceAccounts complete", {"-service-accounts"}},
      {"Annotations and labels have been set successfully on node: w-1",
       {"-agent kubelet", "+agent ready"}},
      {"Annotations and labels have already set on node: w-1", {"-agent kubelet", "+agent ready"}},
      {"Starting /v1, Kind=Node controller", {"-stage"}},
      {"Labels and annotations have been set successfully on node: cp-1", {"-stage"}},
      {"Labels and annotations have already set on node: cp-1", {"-stage"}},
      {"rke2 is up and running", {"-start-up-hooks"}},
      {"rke2 agent is up and running", {"-agent agent-start", "-agent ready"}},
  };
}

// What is no line of the service's own: renames, containers, units, systemd's lines.
inline std::vector<FactRow> fact_rows() {
  const auto manifest = [](const char* op, const char* file) {
    return Json{{"type", "manifest"}, {"op", op}, {"file", file}, {"uid", "0"}};
  };
  const auto systemd = [](const char* line) {
    return Json{{"type", "journal"}, {"ident", "systemd"}, {"invocation", "aa"}, {"line", line}};
  };
  const auto container = [](const char* op, const char* pod, const char* kind) {
    return Json{{"type", "container"}, {"op", op}, {"pod", pod}, {"kind", kind}};
  };
  const auto job = [](const char* op, const char* pod_name, const char* kind) {
    return Json{{"type", "container"},
                {"op", op},
                {"pod", "helm"},
                {"pod_name", pod_name},
                {"static_pod", false},
                {"kind", kind}};
  };
  const std::vector<Mark> agent = {"+agent agent-start", "+agent bootstrap"};
  return {
      {manifest("removed", "kube-apiserver.yaml"), {"+apiserver-gap"}},
      {manifest("written", "kube-apiserver.yaml"), {"-apiserver-gap"}},
      {manifest("written", "etcd.yaml"), {"+etcd-start"}},
      {manifest("removed", "etcd.yaml"), {}},
      {manifest("written", "kube-scheduler.yaml"), {}},
      {manifest("removed", "kube-proxy.yaml"), {}},
      {manifest("written", ".kube-apiserver.yaml.tmp"), {}},
      {manifest("written", "etcd.yaml.bak"), {}},
      {container("started", "etcd", "container"), {}},
      {container("exited", "kube-apiserver", "container"), {}},
      {container("started", "kube-apiserver", "sandbox"), {}},
      {job("started", "helm-install-rke2-canal-q9lfj", "container"), {"+charts"}},
      {job("exited", "helm-install-rke2-canal-q9lfj", "container"), {"-charts"}},
      {job("started", "helm-install-rke2-canal-q9lfj", "sandbox"), {}},
      {job("exited", "helm-install-rke2-canal-q9lfj", "sandbox"), {}},
      {job("exited", "helm-delete-rke2-canal-x7x2p", "container"), {}},
      {job("exited", "my-helm-install-0", "container"), {}},
      {{{"type", "unit"}, {"active", "active"}, {"sub", "running"}}, {}},
      {{{"type", "unit"}, {"active", "failed"}, {"sub", "failed"}}, {}},
      {systemd("Starting rke2-server.service - Rancher Kubernetes Engine v2 (server)..."),
       {"+pre"}},
      {systemd("Starting Rancher Kubernetes Engine v2 (server)..."), {"+pre"}},
      {systemd("Starting rke2-agent.service - Rancher Kubernetes Engine v2 (agent)..."), agent},
      {systemd("Starting Rancher Kubernetes Engine v2 (agent)..."), agent},
      {systemd("Started rke2-server.service - Rancher Kubernetes Engine v2 (server)."), {}},
      {systemd("Stopping rke2-server.service - Rancher Kubernetes Engine v2 (server)..."), {}},
      {systemd("rke2-server.service: Main process exited, code=exited, status=1/FAILURE"), {}},
      {systemd("rke2-server.service: Scheduled restart job, restart counter is at 1."), {}},
  };
}

}  // namespace harness::plan::table
