// kubectl on a server of the lab: the words of a command that is run there.
#pragma once

#include <string>
#include <vector>

namespace harness::lab {

// As the cluster's administrator, with three seconds for the apiserver's answer.
inline std::vector<std::string> kubectl(std::vector<std::string> words) {
  words.insert(words.begin(),
               {"/var/lib/rancher/rke2/bin/kubectl",
                "--kubeconfig=/etc/rancher/rke2/rke2.yaml",
                "--request-timeout=3s"});
  return words;
}

// "True" of a node that is Ready.
inline std::vector<std::string> ask_ready(const std::string& node) {
  return kubectl(
      {"get", "node", node, "-o", R"(jsonpath={.status.conditions[?(@.type=="Ready")].status})"});
}

// "True True" of two that are.
inline std::vector<std::string> ask_all_ready() {
  return kubectl({"get",
                  "nodes",
                  "-o",
                  R"(jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status})"});
}

}  // namespace harness::lab
