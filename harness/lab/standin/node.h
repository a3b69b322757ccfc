// What all parts of a running stand-in share: what it is, where things lie, and the gates between
// its threads.
#pragma once

#include <string>
#include <thread>

#include "harness/base/eventually.h"
#include "harness/lab/standin/config.h"
#include "harness/lab/standin/gate.h"
#include "harness/lab/standin/http_client.h"
#include "harness/lab/standin/paths.h"

namespace harness::standin {

struct Node {
  Build build;
  Config config;
  Paths paths;
  bool server = true;
  std::string runtime_bin;             // data/<tag>-<hash>/bin, known after bootstrap
  std::string apiserver = kApiserver;  // what this node's own clients ask

  Gate etcd_started;  // there is somebody to ask for members
  Gate etcd_ready;
  Gate apiserver_ready;
  Gate runtime_core;  // controllers run: /v1-rke2/readyz turns 200
  WaitGroup hooks;

  std::string cri_endpoint() const {
    return config.container_runtime_endpoint.empty() ? kContainerdSocket
                                                     : config.container_runtime_endpoint;
  }

  std::string path_variable() const {
    return runtime_bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  }

  // The client certificate that hooks and controllers use.
  Identity supervisor_identity() const {
    return {paths.tls() / "server-ca.crt",
            paths.tls() / "client-supervisor.crt",
            paths.tls() / "client-supervisor.key",
            ""};
  }

  Identity etcd_identity() const {
    return {paths.etcd_tls() / "server-ca.crt",
            paths.etcd_tls() / "client.crt",
            paths.etcd_tls() / "client.key",
            ""};
  }

  Identity readiness_identity() const {
    const auto stem = (paths.agent() / "client-rke2-controller").string();
    return {paths.agent() / "server-ca.crt", stem + ".crt", stem + ".key", ""};
  }
};

// A thread that lives as long as the process.
template <typename Work>
void background(Work&& work) {
  std::thread(std::forward<Work>(work)).detach();
}

}  // namespace harness::standin
