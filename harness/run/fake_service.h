// A server for tests of whole runs whose service starts as rke2's does and tells of it in the facts
// that a watch of the node would bring.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "harness/observe/fake_server.h"
#include "harness/upgrade/install_method.h"

namespace harness::run {

// Its owner sees to it that one thread at a time is in it.
class FakeService {
 public:
  FakeService() { script(); }

  // A watch of the node begins: what was told before is past.
  void begin_watch() {
    facts_.clear();
    tell_container("started", "kube-proxy", "c-kube-proxy");
  }

  bool all_told() const { return facts_.empty(); }

  // The next fact, else the node's clock.
  Json next_fact() {
    if (facts_.empty() && late_ > 0 && --late_ == 0) {
      log("rke2 is up and running");
    }
    if (facts_.empty()) {
      return stamped({{"type", "clock"}});
    }
    Json fact = std::move(facts_.front());
    facts_.pop_front();
    return fact;
  }

  // One start, with what happens in its hooks and when they are over.
  void start(const std::function<void(const Json& opened)>& in_hooks,
             const std::function<void(const Json& opened)>& after) {
    begin();
    if (std::exchange(dies, false)) {
      log("Failed to apply Cluster Role Bindings: etcdserver: no leader", "fatal");
      tell_line("systemd", "rke2-server.service: Main process exited, code=exited, status=1");
      begin();
    }
    const Json opened = moment();
    log("Kube API server is now running");
    in_hooks(opened);
    if (lingers) {
      late_ = kLate;
      return;
    }
    log("rke2 is up and running");
    after(opened);
  }

  // etcd's container is killed, and kubelet makes the next one; the one that is gone.
  std::string kill_etcd() {
    const std::string killed = server.etcd_container;
    server.etcd_container = fmt::format("c-etcd-{}", starts_);
    tell_container("exited", "etcd", killed);
    tell_container("started", "etcd", server.etcd_container);
    return killed;
  }

  // Now, on the node's clocks; never the same twice.
  Json moment() {
    now_us_ = std::max(now_us_ + 1, wall_now_us());
    return {{"wall_us", now_us_}, {"mono_us", now_us_ - kBooted}};
  }

  observe::FakeServer server;
  bool copies = false;   // of releases are on the node
  bool dies = false;     // the next start ends in its middle, as in rancher/rke2#8269
  bool lingers = false;  // its hooks are over long after the cluster is well again

 private:
  static constexpr int kLate = 300;  // looks at the node's clock
  static constexpr std::int64_t kBooted = 1'747'000'000'000'000;

  Json stamped(Json fact) {
    fact.update(moment());
    fact["boot_id"] = server.boot;
    return fact;
  }

  void tell(Json fact) { facts_.push_back(stamped(std::move(fact))); }

  void tell_container(const char* op, const std::string& pod, const std::string& id) {
    tell({{"type", "container"},
          {"op", op},
          {"kind", "container"},
          {"pod", pod},
          {"id", id},
          {"pod_uid", observe::FakeServer::uid(pod)}});
  }

  void tell_line(const std::string& ident, const std::string& line) {
    tell({{"type", "journal"},
          {"ident", ident},
          {"invocation", server.invocation},
          {"seqnum_id", "s"},
          {"seqnum", ++seqnum_},
          {"line", line}});
  }

  void log(const std::string& msg, const std::string& level = "info") {
    tell_line("rke2", fmt::format("time=\"t\" level={} msg=\"{}\"", level, msg));
  }

  void begin() {
    server.invocation = fmt::format("{:032x}", ++starts_);
    server.running = server.disk;
    server.kubelet = Version::parse(server.disk)->kubelet_version();
    log(fmt::format("Starting rke2 {} (1b9bb73c846d0123456789012345678901234567)", server.disk));
    log("Running kube-apiserver --advertise-port=6443");
    log("Pod for etcd is synced");
    log("Pod for kube-apiserver is synced");
  }

  void script() {
    server.node.on_run("readlink", [this](const exec::Command&) {
      exec::CommandResult result;
      result.out = fmt::format("/var/lib/rancher/rke2/data/{}-0123456789ab/bin\n",
                               Version::parse(server.disk)->image_tag());
      return result;
    });
    server.node.on_http("kube-node-lease/leases", [this](const cluster::HttpRequest&) {
      const Json lease{{"metadata", {{"name", server.node.name()}}},
                       {"spec", {{"renewTime", format_wall(wall_now_us())}}}};
      return cluster::HttpResponse{.status = 200,
                                   .body = Json{{"items", Json::array({lease})}}.dump()};
    });
  }

  std::deque<Json> facts_;
  std::int64_t now_us_ = 0;
  std::int64_t seqnum_ = 0;
  int starts_ = 0;
  int late_ = 0;
};

// Puts the version on the server's disk.
class FakeInstall final : public upgrade::InstallMethod {
 public:
  explicit FakeInstall(FakeService& on) : on_(on) {}

  std::string_view name() const override { return "fake"; }

  Status verify(const Version&) const override { return {}; }

  Status clear(cluster::Node&, Deadline) const override {
    on_.copies = false;
    return {};
  }

  Result<upgrade::Installed> install(cluster::Node&,
                                     const Version& version,
                                     Deadline,
                                     std::stop_token) const override {
    on_.server.disk = version.tag();
    on_.copies = true;
    return upgrade::Installed{.version = version.tag(), .commit = "1b9bb73c"};
  }

 private:
  FakeService& on_;
};

}  // namespace harness::run
