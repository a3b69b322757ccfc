// Starts as RKE2's sources and public threads tell them, release by release: what no lab node can
// be seen to do. They are written by us and prove only that the packs and the known lines agree
// with what we know; recorded/ has what nodes did.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/version.h"
#include "harness/inventory/inventory.h"
#include "harness/plan/marker_rows.h"
#include "harness/plan/marker_shapes.h"

namespace harness::plan::table {

struct Told {
  std::string role = "server";
  bool joins = false;  // or has joined: a server that another one began the cluster of
  bool first = false;  // the first start of its database
  bool cis = false;
  bool archives = false;
  bool changed = false;  // manifests of static pods are not those of the start before
  bool charts = false;   // helm jobs run on this node

  std::set<std::string> conditions() const {
    std::set<std::string> out;
    if (role == "server") {
      out.emplace(joins ? inventory::kJoiningServer : inventory::kFirstServer);
    }
    if (cis) {
      out.emplace("profile: cis");
    }
    if (archives) {
      out.emplace("air-gap images");
    }
    return out;
  }
};

class Teller {
 public:
  Teller(std::string tag, Told told) : tag_(std::move(tag)), told_(std::move(told)) {
    told_.role == "server" ? server() : agent();
  }

  const std::vector<Json>& facts() const { return facts_; }

 private:
  bool on(const Tags& tags) const { return std::ranges::find(tags, tag_) != tags.end(); }

  void add(Json fact) {
    at_ += 10'000;
    fact["mono_us"] = at_;
    fact["wall_us"] = at_;
    fact["boot_id"] = "b";
    facts_.push_back(std::move(fact));
  }

  void line(const std::string& text, const char* ident) {
    Json out = fact(text, ident);
    out["invocation"] = "told";
    add(std::move(out));
  }

  void say(const std::string& msg, const std::string& level = "info") {
    line(logrus(msg, level), "rke2");
  }

  void say_all(const std::vector<const char*>& messages) {
    for (const char* msg : messages) {
      say(msg);
    }
  }

  void manifest(const char* op, const char* file) {
    add({{"type", "manifest"}, {"op", op}, {"file", file}});
  }

  void job(const char* op, const char* pod) {
    add({{"type", "container"},
         {"op", op},
         {"pod", "helm"},
         {"pod_name", pod},
         {"static_pod", false},
         {"kind", "container"}});
  }

  void begin(const std::string& unit, const std::string& build) {
    line("Starting " + unit + ".service - Rancher Kubernetes Engine v2...", "systemd");
    line("+ /usr/bin/systemctl is-enabled --quiet nm-cloud-setup.service", "sh");
    if (!told_.cis) {
      say("not running in CIS mode", "warning");
    }
    say("Starting " + build + " " + tag_ + " (1b9bb73c846d)");
  }

  void runtime_and_images() {
    say("Checking local image archives in /var/lib/rancher/rke2/agent/images for "
        "index.docker.io/rancher/rke2-runtime:v1.30.13-rke2r1");
    say("Failed to load runtime image index.docker.io/rancher/rke2-runtime:v1.30.13-rke2r1 from "
        "tarball: no local image available",
        "warning");
    say("Pulling runtime image index.docker.io/rancher/rke2-runtime:v1.30.13-rke2r1");
    say("Creating directory /var/lib/rancher/rke2/data/v1.30.13-rke2r1-7fa2f531d410/bin");
    say("Extracting file /var/lib/rancher/rke2/data/v1.30.13-rke2r1-7fa2f531d410/bin/containerd");
    if (on(kFixed)) {
      say("Waiting for cri connection: rpc error: code = Unavailable desc = connection error");
    }
    say("Logging containerd to /var/lib/rancher/rke2/agent/containerd/containerd.log");
    say("Running containerd -c /var/lib/rancher/rke2/agent/etc/containerd/config.toml");
    say("Waiting for containerd startup: rpc error: code = Unavailable");
    say("containerd is now running");
    if (told_.archives) {
      say("Importing images from /var/lib/rancher/rke2/agent/images/images.tar.zst");
      say("Imported docker.io/rancher/hardened-etcd:v3.5.21-k3s1-build20250411");
      say("Imported images from /var/lib/rancher/rke2/agent/images/images.tar.zst in 9.2s");
    }
    say_all({"Getting list of apiserver endpoints from server",
             "Got apiserver addresses from supervisor: [192.0.2.11:6443]",
             "Connecting to proxy",
             "Remotedialer connected to proxy",
             "Running kubelet --address=0.0.0.0"});
  }

  void bootstrap() {
    say("Applying Pod Security Admission Configuration");
    if (told_.first) {
      say(told_.joins ? "Managed etcd cluster not yet initialized"
                      : "Managed etcd cluster initializing");
      return;
    }
    say("Managed etcd cluster bootstrap already complete and initialized");
    if (told_.joins) {
      say("Successfully reconciled with remote datastore");
      return;
    }
    if (!on(kNewest)) {
      say_all({"Starting temporary etcd to reconcile with datastore",
               "Failed to test temporary data store connection: context deadline exceeded",
               "etcd temporary data store connection OK"});
    }
    say("Reconciling bootstrap data between datastore and disk");
  }

  void etcd() {
    if (told_.first && told_.joins) {
      say_all({"Waiting for container runtime to become ready before joining etcd cluster",
               "Waiting to retrieve etcd cluster member list: context deadline exceeded",
               "Adding member cp-2-4f1a=https://192.0.2.12:2380 to etcd cluster "
               "[cp-1-9c2b=https://192.0.2.11:2380]",
               "Starting etcd to join cluster with members [cp-1-9c2b=https://192.0.2.11:2380]"});
    } else {
      say(told_.first ? "Starting etcd for new cluster, cluster-reset=false"
                      : "Starting etcd for existing cluster member");
    }
    if (told_.first || told_.changed) {
      manifest("written", "etcd.yaml");
    }
    say("Running kube-apiserver --advertise-address=192.0.2.11");
    if (!told_.first) {
      manifest("removed", "kube-apiserver.yaml");
    }
    say_all({"Removed kube-apiserver static pod manifest",
             "Running kube-scheduler --bind-address=127.0.0.1",
             "Running kube-controller-manager --bind-address=127.0.0.1",
             "Running cloud-controller-manager --bind-address=127.0.0.1"});
    if (told_.cis) {
      say("Restricting automount...");
    }
    say_all({"Server node token is available at /var/lib/rancher/rke2/server/token",
             "Wrote kubeconfig /etc/rancher/rke2/rke2.yaml",
             "Run: rke2 kubectl"});
    if (on(kSlow)) {
      say_all({"Waiting for etcd server to become available",
               "Failed to test data store connection: context deadline exceeded",
               "etcd data store connection OK"});
    } else {
      say_all({"Failed to test etcd connection: etcdserver: no leader",
               "Connected to etcd v3.5.21 - datastore using 16384 of 20480 bytes",
               "Defragmenting etcd database",
               "Datastore using 16384 of 16384 bytes after defragment",
               "Connection to etcd is ready"});
    }
    say_all({"Saving cluster bootstrap data to datastore", "ETCD server is now running"});
  }

  // Where a server joins, there is nothing yet to compare, or etcd alone.
  void sync() {
    if (told_.first && told_.joins) {
      return;
    }
    const std::string old = on(kOldWords) ? "waiting for termination of old pod"
                                          : "waiting for termination of old pod sandbox";
    for (const char* pod : {"etcd", "kube-apiserver"}) {
      if (told_.changed) {
        say(std::string("Pod for ") + pod + " not synced (" + old + "), retrying");
      }
      say(std::string("Pod for ") + pod + " is synced");
    }
  }

  void hooks() {
    say("Kube API server is now running");
    say_all({"Watching for delete of cp-1 Node object", "Applying Cluster Role Bindings"});
    if (!on(kNoRuntimes)) {
      say("Setting runtimes");
    }
    if (told_.cis) {
      say_all({"Applying network policies...",
               "Applying network policies complete",
               "updating service account: default",
               "Restricting automount for default serviceAccounts complete"});
    }
    say_all({"Creating embedded CRD addons.k3s.cattle.io",
             "Annotations and labels have already set on node: cp-1",
             "Cluster Role Bindings applied successfully"});
  }

  void ready() {
    say("rke2 is up and running");
    line("Started rke2-server.service - Rancher Kubernetes Engine v2 (server).", "systemd");
    say_all({"Starting /v1, Kind=Node controller",
             "Labels and annotations have been set successfully on node: cp-1"});
    if (told_.charts) {
      for (const char* op : {"started", "exited"}) {
        job(op, "helm-install-rke2-canal-q9lfj");
      }
    }
  }

  void server() {
    begin("rke2-server", "rke2");
    bootstrap();
    if (on(kRacing)) {
      say("Polling for API server readiness: GET /readyz failed: connection refused");
    }
    runtime_and_images();
    etcd();
    manifest("written", "kube-apiserver.yaml");
    if (on(kSlow)) {
      say("Waiting for API server to become available");
    }
    sync();
    if (on(kFixed)) {
      say("Polling for API server readiness: GET /readyz failed: 500 Internal Server Error");
    }
    hooks();
    ready();
  }

  void agent() {
    begin("rke2-agent", "rke2 agent");
    say("Adding server to load balancer rke2-agent-load-balancer: 192.0.2.11:9345");
    say("Running load balancer rke2-agent-load-balancer 127.0.0.1:6444 -> [192.0.2.11:9345]");
    runtime_and_images();
    say_all({"Running kube-proxy --cluster-cidr=10.42.0.0/16",
             "Annotations and labels have been set successfully on node: w-1",
             "rke2 agent is up and running"});
    line("Started rke2-agent.service - Rancher Kubernetes Engine v2 (agent).", "systemd");
  }

  std::string tag_;
  Told told_;
  std::int64_t at_ = 1'000'000;
  std::vector<Json> facts_;
};

// Every kind of start that decides which windows come.
inline std::vector<std::pair<std::string, Told>> told_starts() {
  return {
      {"first server, first start", {.first = true, .archives = true, .changed = true}},
      {"first server, restart", {}},
      {"first server, upgrade", {.archives = true, .changed = true, .charts = true}},
      {"first server, profile cis", {.cis = true}},
      {"joining server, first start", {.joins = true, .first = true, .archives = true}},
      {"joining server, restart", {.joins = true}},
      {"joining server, upgrade, cis", {.joins = true, .cis = true, .changed = true}},
      {"agent", {.role = "agent"}},
      {"agent, archives", {.role = "agent", .archives = true}},
  };
}

}  // namespace harness::plan::table
