// Static pods: the manifest of one component, its identity, and how it gets on disk.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::standin {

struct PodArgs {
  std::string command;  // also the name of pod and container
  std::vector<std::string> args;
  std::string image;
  std::vector<std::string> dirs;   // mounted read-write
  std::vector<std::string> files;  // mounted read-only; what the arguments name is added
  std::vector<std::string> exclude_files;
  std::vector<std::string> health_exec;
  std::vector<std::string> ready_exec;
  int health_port = 0;
  std::string health_scheme = "HTTPS";
  std::string health_path = "/healthz";
  std::string cpu;
  std::string memory;
  std::map<std::string, std::string> annotations;
  std::map<std::string, std::string> environment;  // what of ours the pod takes over
  std::optional<std::pair<int, int>> run_as;       // user and group
  bool private_file = false;                       // CIS: mode 0600
};

// Every `--flag=/path` that is a file, with the certificates inside a --kubeconfig; sorted, none
// twice.
std::vector<std::string> files_in_args(const std::vector<std::string>& args,
                                       const std::vector<std::string>& exclude);

// The pod without its UID. `file_hash` is over the contents of all its files.
Json pod_object(const PodArgs& args,
                const std::vector<std::string>& files,
                const std::string& file_hash);
// md5 over the whole pod and the manifest's path: it changes exactly when one of them does.
std::string pod_uid(const Json& pod, const std::filesystem::path& manifest);

// Variables of this process that static pods take over: those with `proxy` in their name.
std::map<std::string, std::string> proxy_environment();

// Writes <directory>/<command>.yaml if its bytes differ, by a temporary directory beside it and a
// rename.
Status write_pod(const std::filesystem::path& directory, const PodArgs& args);
// Removes the manifest, not the pod, and says so whether or not there was one.
Status remove_pod(const std::filesystem::path& directory, const std::string& command);

}  // namespace harness::standin
