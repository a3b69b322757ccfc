#include "harness/lab/standin/manifest.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/yaml.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> files_in_kubeconfig(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    for (const char* key : {"certificate-authority: ", "client-certificate: ", "client-key: "}) {
      if (const auto at = line.find(key); at != std::string::npos) {
        out.push_back(line.substr(at + std::string_view(key).size()));
      }
    }
  }
  return out;
}

struct ProbeTimes {
  int delay;
  int timeout;
  int failures;
  int period;
};

Json probe(const PodArgs& args,
           const std::vector<std::string>& exec,
           bool use_port,
           ProbeTimes times) {
  Json out = {{"failureThreshold", times.failures},
              {"initialDelaySeconds", times.delay},
              {"periodSeconds", times.period},
              {"timeoutSeconds", times.timeout}};
  if (times.delay == 0) {
    out.erase("initialDelaySeconds");
  }
  if (!exec.empty()) {
    out["exec"] = {{"command", exec}};
    out["periodSeconds"] = std::max(times.period, 5);
    return out;
  }
  if (use_port && args.health_port != 0) {
    out["httpGet"] = {{"host", "localhost"},
                      {"path", args.health_path},
                      {"port", args.health_port},
                      {"scheme", args.health_scheme}};
    return out;
  }
  return nullptr;
}

void add_volumes(Json& spec,
                 const std::vector<std::string>& paths,
                 const std::string& prefix,
                 bool directory) {
  Json& mounts = spec["containers"][0]["volumeMounts"];
  int number = 0;
  for (const auto& path : paths) {
    const std::string name = prefix + std::to_string(number++);
    spec["volumes"].push_back(
        {{"name", name},
         {"hostPath", {{"path", path}, {"type", directory ? "DirectoryOrCreate" : "File"}}}});
    Json mount = {{"mountPath", path}, {"name", name}};
    if (!directory) {
      mount["readOnly"] = true;
    }
    mounts.push_back(mount);
  }
}

Result<std::string> hash_of(const std::vector<std::string>& files) {
  std::string all;
  for (const auto& path : files) {
    TRY_ASSIGN(const std::string content, machine::read_file(path), "hash files");
    all += content;
  }
  return machine::sha256_hex(all);
}

}  // namespace

std::vector<std::string> files_in_args(const std::vector<std::string>& args,
                                       const std::vector<std::string>& exclude) {
  std::set<std::string> found;
  for (const auto& arg : args) {
    const auto equals = arg.find('=');
    if (equals == std::string::npos || equals + 1 >= arg.size() || arg[equals + 1] != '/') {
      continue;
    }
    const std::string path = arg.substr(equals + 1);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored) ||
        std::count(exclude.begin(), exclude.end(), path) != 0) {
      continue;
    }
    found.insert(path);
    if (arg.starts_with("--kubeconfig=")) {
      const auto inside = files_in_kubeconfig(path);
      found.insert(inside.begin(), inside.end());
    }
  }
  return {found.begin(), found.end()};
}

Json pod_object(const PodArgs& args,
                const std::vector<std::string>& files,
                const std::string& file_hash) {
  Json container = {{"name", args.command},
                    {"image", args.image},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"command", Json::array({args.command})},
                    {"args", args.args},
                    {"env", Json::array({{{"name", "FILE_HASH"}, {"value", file_hash}}})},
                    {"resources", {{"requests", {{"cpu", args.cpu}, {"memory", args.memory}}}}},
                    {"livenessProbe", probe(args, args.health_exec, true, {10, 15, 8, 10})},
                    {"readinessProbe", probe(args, args.ready_exec, false, {0, 15, 3, 1})},
                    {"startupProbe", probe(args, args.health_exec, true, {10, 5, 24, 10})},
                    {"securityContext", {{"privileged", false}}}};
  for (const auto& [name, value] : args.environment) {
    container["env"].push_back({{"name", name}, {"value", value}});
  }
  Json pod = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata",
               {{"name", args.command},
                {"namespace", "kube-system"},
                {"labels", {{"component", args.command}, {"tier", "control-plane"}}}}},
              {"spec",
               {{"containers", Json::array({container})},
                {"hostNetwork", true},
                {"priorityClassName", "system-cluster-critical"}}}};
  if (!args.annotations.empty()) {
    pod["metadata"]["annotations"] = args.annotations;
  }
  if (args.run_as) {
    pod["spec"]["securityContext"] = {{"runAsUser", args.run_as->first},
                                      {"runAsGroup", args.run_as->second}};
  }
  add_volumes(pod["spec"], args.dirs, "dir", true);
  add_volumes(pod["spec"], files, "file", false);
  return pod;
}

std::string pod_uid(const Json& pod, const fs::path& manifest) {
  return machine::md5_hex(pod.dump() + "file:" + manifest.string());
}

std::map<std::string, std::string> proxy_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    std::string name = text.substr(0, text.find('='));
    std::string lower = name;
    std::transform(
        lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower.find("proxy") != std::string::npos) {
      out[name] = text.find('=') == std::string::npos ? "" : text.substr(text.find('=') + 1);
    }
  }
  return out;
}

Status write_pod(const fs::path& directory, const PodArgs& args) {
  std::vector<std::string> files = args.files;
  for (auto& file : files_in_args(args.args, args.exclude_files)) {
    if (std::count(files.begin(), files.end(), file) == 0) {
      files.push_back(std::move(file));
    }
  }
  TRY_ASSIGN(const std::string hash, hash_of(files), args.command);
  const fs::path manifest = directory / (args.command + ".yaml");
  Json pod = pod_object(args, files, hash);
  const std::string uid = pod_uid(pod, manifest);
  pod["metadata"]["uid"] = uid;
  pod["status"] = Json::object();
  const std::string text = to_yaml(pod);

  std::error_code ignored;
  fs::create_directories(directory, ignored);
  fs::permissions(directory, fs::perms::owner_all, ignored);
  if (const auto present = machine::read_file(manifest); present && *present == text) {
    return {};
  }
  std::string fresh = (directory.parent_path() / (args.command + ".yamlXXXXXX")).string();
  if (::mkdtemp(fresh.data()) == nullptr) {
    return fail(ErrorCode::internal, "no temporary directory beside " + directory.string());
  }
  const fs::path staged = fs::path(fresh) / manifest.filename();
  {
    std::ofstream out(staged);
    out << text;
  }
  ::chmod(staged.c_str(), args.private_file ? 0600 : 0644);
  const bool renamed = ::rename(staged.c_str(), manifest.c_str()) == 0;
  fs::remove_all(fresh, ignored);
  if (!renamed) {
    return fail(ErrorCode::internal, "cannot write " + manifest.string());
  }
  return {};
}

Status remove_pod(const fs::path& directory, const std::string& command) {
  std::error_code error;
  fs::remove(directory / (command + ".yaml"), error);
  if (error) {
    return fail(
        ErrorCode::internal,
        fmt::format("failed to remove {} static pod manifest: {}", command, error.message()));
  }
  logrus::info("Removed {} static pod manifest", command);
  return {};
}

}  // namespace harness::standin
