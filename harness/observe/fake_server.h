// A scripted node that looks like a healthy server of a one-server cluster, for tests of the layers
// that ask nodes. Tests bend its fields and add rules of their own on top.
#pragma once

#include <string>

#include <fmt/format.h>

#include "harness/base/version.h"
#include "harness/cluster/fake_node.h"

namespace harness::observe {

class FakeServer {
 public:
  explicit FakeServer(const std::string& name = "cp-1",
                      const std::string& address = "192.0.2.11",
                      bool server = true)
      : node(name, server, address) {
    script_commands();
    script_files();
    script_http();
    script_guard();
  }

  void set_version(const std::string& tag) {
    disk = tag;
    running = tag;
    kubelet = Version::parse(tag)->kubelet_version();
  }

  void set_boot(const std::string& id) {
    boot = id;
    node.set_boot_id(id);
  }

  static std::string manifest(const std::string& pod) { return uid(pod); }

  static std::string uid(const std::string& pod) { return "uid-of-" + pod; }

  cluster::FakeNode node;
  std::string active = "active";
  std::string sub = "running";
  std::string job;
  std::string invocation = "11111111111111111111111111111111";
  std::string boot = "boot1";
  std::string system = "running";
  int n_restarts = 0;
  std::string disk = "v1.30.12+rke2r1";
  std::string running = "v1.30.12+rke2r1";
  std::string kubelet = "v1.30.12+rke2r1";
  bool installed = true;
  bool standin = false;
  bool ready = true;
  int readyz = 200;
  int supervisor = 200;
  int back_off_s = 0;
  std::string etcd_health = "true";
  std::string leader = "101";
  std::string member = "101";
  bool learner = false;
  Json members = Json::array(
      {{{"ID", "101"}, {"name", "cp-1-1a2b3c4d"}, {"peerURLs", {"https://192.0.2.11:2380"}}}});
  Json alarms = Json::array();
  std::int64_t revision = 4711;
  std::int64_t compacted = 4000;
  std::int64_t hash = 12345;
  std::string hashed_at;  // the body of the last question for the hash
  std::string sandbox_uid = "uid-of-etcd";
  std::string etcd_container = "c-etcd";

 private:
  static exec::CommandResult says(std::string out, int status = 0) {
    exec::CommandResult result;
    result.exit_status = status;
    result.out = std::move(out);
    return result;
  }

  void script_commands() {
    node.on_run("systemctl show", [this](const exec::Command&) {
      return says(
          fmt::format("LoadState=loaded\nActiveState={}\nSubState={}\nResult=success\n"
                      "InvocationID={}\nMainPID=77\nNRestarts={}\nExecMainStatus=0\nJob={}\n",
                      active,
                      sub,
                      invocation,
                      n_restarts,
                      job));
    });
    node.on_run("boot_id", [this](const exec::Command&) { return says(boot + "\n"); });
    node.on_run("systemctl enable", says(""));
    node.on_run("systemctl restart", [this](const exec::Command&) {
      invocation = "22222222222222222222222222222222";
      running = disk;
      kubelet = Version::parse(disk)->kubelet_version();
      return says("");
    });
    node.on_run("is-system-running", [this](const exec::Command&) { return says(system + "\n"); });
    node.on_run("/usr/bin/test", says("", 1));
    node.on_run("/usr/local/bin/rke2", [this](const exec::Command& command) {
      if (command.argv[0] == "/usr/bin/test") {
        return says("", installed ? 0 : 1);
      }
      return says(
          fmt::format("rke2 version {} (1b9bb73c846d0123456789012345678901234567)\n"
                      "go version go1.23.8\n{}",
                      disk,
                      standin ? "stand-in for rke2 (hookshot lab), not the product\n" : ""));
    });
    node.on_run("journalctl", [this](const exec::Command&) {
      return running.empty() ? says("", 1)
                             : says(fmt::format("time=\"2025-05-16T09:07:39Z\" level=info "
                                                "msg=\"Starting rke2 {}{} (1b9b)\"\n",
                                                node.is_server() ? "" : "agent ",
                                                running));
    });
    node.on_run("readlink", [this](const exec::Command&) {
      return says("/var/lib/rancher/rke2/data/" + disk + "-0123456789ab/bin\n");
    });
    node.on_run("ls -1", says("etcd.yaml\nkube-apiserver.yaml\n"));
    node.on_run("tasks list", [this](const exec::Command&) {
      return says("TASK        PID     STATUS    \ns-etcd      10     RUNNING\n" + etcd_container +
                  "      11     RUNNING\ns-kube-apiserver 20 RUNNING\nc-kube-apiserver 21 "
                  "RUNNING\n");
    });
    node.on_run("containers list", [this](const exec::Command&) {
      return says("s-etcd\n" + etcd_container + "\ns-kube-apiserver\nc-kube-apiserver\n");
    });
    for (const char* pod : {"etcd", "kube-apiserver"}) {
      node.on_run(std::string("info s-") + pod,
                  [this, pod = std::string(pod)](const exec::Command&) {
                    return says(container("s-" + pod, pod, true));
                  });
      node.on_run(std::string("info c-") + pod,
                  [this, pod = std::string(pod)](const exec::Command&) {
                    return says(container(pod == "etcd" ? etcd_container : "c-" + pod, pod, false));
                  });
    }
  }

  std::string container(const std::string& id, const std::string& pod, bool sandbox) const {
    Json info{{"ID", id},
              {"Image", "docker.io/rancher/hardened-etcd:v3.5.21"},
              {"CreatedAt", "2025-05-16T09:07:39.123456789Z"},
              {"Labels",
               {{"io.cri-containerd.kind", sandbox ? "sandbox" : "container"},
                {"io.kubernetes.pod.uid", pod == "etcd" ? sandbox_uid : uid(pod)},
                {"io.kubernetes.pod.name", pod + "-" + node.name()},
                {"io.kubernetes.pod.namespace", "kube-system"}}}};
    if (!sandbox) {
      info["Labels"]["io.kubernetes.container.name"] = pod;
      info["Spec"]["annotations"]["io.kubernetes.cri.sandbox-id"] = "s-" + pod;
    }
    return info.dump();
  }

  void script_files() {
    const std::string data = "/var/lib/rancher/rke2";
    for (const char* file : {"server-ca.crt",
                             "client-admin.crt",
                             "client-admin.key",
                             "etcd/server-ca.crt",
                             "etcd/client.crt",
                             "etcd/client.key"}) {
      node.on_file(data + "/server/tls/" + file, std::string("PEM of ") + file);
    }
    node.on_file(data + "/server/agent-token", "K10abc::node:swordfish\n");
    for (const char* pod : {"etcd", "kube-apiserver"}) {
      node.on_file(data + "/agent/pod-manifests/" + pod + ".yaml",
                   std::string("apiVersion: v1\nkind: Pod\nmetadata:\n  name: ") + pod +
                       "\n  uid: uid-of-" + pod + "\nspec:\n  uid: not-this\n");
    }
  }

  using Answer = Result<cluster::HttpResponse>;

  static Answer answers(int status, std::string body) {
    return cluster::HttpResponse{
        .status = status, .body = std::move(body), .latency = Microseconds(900)};
  }

  void script_http() {
    node.on_http(":6443/readyz", [this](const cluster::HttpRequest&) {
      return answers(readyz,
                     readyz == 200 ? "ok" : "[+]ping ok\n[-]etcd failed: reason withheld\n");
    });
    node.on_http(":6443/livez", 200, "ok");
    node.on_http(":6443/api/v1/nodes", [this](const cluster::HttpRequest&) {
      return answers(200, Json{{"items", Json::array({node_object()})}}.dump());
    });
    node.on_http("kube-node-lease/leases", [this](const cluster::HttpRequest&) {
      const Json lease{{"metadata", {{"name", node.name()}}},
                       {"spec", {{"renewTime", "2025-05-16T09:07:39.000001Z"}}}};
      return answers(200, Json{{"items", Json::array({lease})}}.dump());
    });
    node.on_http("kube-system/pods", [this](const cluster::HttpRequest&) {
      return answers(200, Json{{"items", Json::array({pod_object()})}}.dump());
    });
    node.on_http(":9345/v1-rke2/readyz", [this](const cluster::HttpRequest&) {
      return answers(supervisor, supervisor == 200 ? "ok" : "runtime core not ready");
    });
    node.on_http(":2381/health", [this](const cluster::HttpRequest&) {
      return answers(200, Json{{"health", etcd_health}, {"reason", ""}}.dump());
    });
    node.on_http("maintenance/status", [this](const cluster::HttpRequest&) {
      Json status{{"header", {{"member_id", member}, {"revision", std::to_string(revision)}}},
                  {"version", "3.5.21"},
                  {"leader", leader},
                  {"raftIndex", "99"},
                  {"raftTerm", "3"}};
      if (learner) {
        status["isLearner"] = true;
      }
      return answers(200, status.dump());
    });
    node.on_http("member/list", [this](const cluster::HttpRequest&) {
      return answers(200, Json{{"members", members}}.dump());
    });
    node.on_http("maintenance/alarm", [this](const cluster::HttpRequest&) {
      return answers(200, Json{{"alarms", alarms}}.dump());
    });
    node.on_http("maintenance/hashkv", [this](const cluster::HttpRequest& request) {
      hashed_at = request.body;
      return answers(200,
                     Json{{"header", Json::object()},
                          {"hash", hash},
                          {"compact_revision", std::to_string(compacted)}}
                         .dump());
    });
  }

  Json node_object() const {
    return Json{
        {"metadata", {{"name", node.name()}}},
        {"status",
         {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", node.address()}}})},
          {"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})},
          {"nodeInfo", {{"kubeletVersion", kubelet}}}}}};
  }

  Json pod_object() const {
    Json state{{"running", Json::object()}};
    if (back_off_s > 0) {
      state = {{"waiting",
                {{"reason", "CrashLoopBackOff"},
                 {"message",
                  fmt::format("back-off {}s restarting failed container=etcd", back_off_s)}}}};
    }
    return Json{{"metadata", {{"name", "etcd-" + node.name()}}},
                {"spec", {{"nodeName", node.name()}}},
                {"status",
                 {{"containerStatuses",
                   Json::array({{{"name", "etcd"},
                                 {"restartCount", 3},
                                 {"state", state},
                                 {"lastState",
                                  {{"terminated",
                                    {{"exitCode", 137},
                                     {"reason", "Error"},
                                     {"finishedAt", "2025-05-16T09:00:00Z"}}}}}}})}}}};
  }

  void script_guard() {
    node.on_guard("facts", [this](const Json&) {
      return std::vector<Json>{{{"type", "facts"},
                                {"boot_id", boot},
                                {"node_wall_us", 1747386459000000},
                                {"allow", "lab"},
                                {"quarantine", false}}};
    });
    node.on_guard("clean",
                  std::vector<Json>{{{"type", "clean"}, {"left", Json::array({"/run/hookshot"})}}});
  }
};

}  // namespace harness::observe
