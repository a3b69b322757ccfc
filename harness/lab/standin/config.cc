#include "harness/lab/standin/config.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/lab/standin/flags.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {

namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) {
    return {};
  }
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

std::string unquoted(std::string_view text) {
  std::string value = trimmed(text);
  if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
    const auto end = value.find(value.front(), 1);
    return end == std::string::npos ? value.substr(1) : value.substr(1, end - 1);
  }
  if (const auto comment = value.find(" #"); comment != std::string::npos) {
    value = trimmed(std::string_view(value).substr(0, comment));
  }
  return value == "null" || value == "~" ? std::string() : value;
}

std::vector<std::string> values(std::string_view text) {
  const std::string value = trimmed(text);
  if (value.empty() || value.front() != '[') {
    const std::string one = unquoted(value);
    return one.empty() ? std::vector<std::string>{} : std::vector<std::string>{one};
  }
  std::vector<std::string> out;
  std::stringstream items(value.substr(1, value.find(']') - 1));
  for (std::string item; std::getline(items, item, ',');) {
    if (std::string one = unquoted(item); !one.empty()) {
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::vector<std::string>* list_of(Config& config, const std::string& key) {
  if (key == "tls-san") {
    return &config.tls_san;
  }
  if (key == "etcd-arg") {
    return &config.etcd_arg;
  }
  return key == "kube-apiserver-arg" ? &config.kube_apiserver_arg : nullptr;
}

// A key that is met: a list begins anew, one that is not heeded is noted.
void begin(Config& config, const std::string& key, bool add) {
  if (auto* list = list_of(config, key); list != nullptr && !add) {
    list->clear();
  }
  static const std::set<std::string> scalars = {"token",
                                                "server",
                                                "node-ip",
                                                "node-name",
                                                "profile",
                                                "write-kubeconfig-mode",
                                                "container-runtime-endpoint",
                                                "data-dir"};
  if (list_of(config, key) == nullptr && scalars.count(key) == 0) {
    (is_flag(key) ? config.ignored : config.unknown).push_back(key);
  }
}

void set(Config& config, const std::string& key, const std::vector<std::string>& given) {
  if (auto* list = list_of(config, key)) {
    list->insert(list->end(), given.begin(), given.end());
    return;
  }
  const std::string last = given.empty() ? std::string() : given.back();
  if (key == "token") {
    config.token = last;
  } else if (key == "server") {
    config.server = last;
  } else if (key == "node-ip") {
    config.node_ip = given.empty() ? std::string() : given.front();
  } else if (key == "node-name") {
    config.node_name = last;
  } else if (key == "profile") {
    config.profile = last;
  } else if (key == "write-kubeconfig-mode") {
    config.write_kubeconfig_mode = last;
  } else if (key == "container-runtime-endpoint") {
    config.container_runtime_endpoint = last;
  } else if (key == "data-dir") {
    config.data_dir = last;
  }
}

Result<Config> parse_file(const std::filesystem::path& path, Config into) {
  std::ifstream file(path);
  if (!file) {
    return into;
  }
  std::stringstream text;
  text << file.rdbuf();
  TRY_ASSIGN(Config config, parse_config(text.str(), std::move(into)), path.string());
  return config;
}

}  // namespace

std::string Build::etcd_image() const {
  return "index.docker.io/rancher/hardened-etcd:" + etcd;
}

std::string Build::kubernetes_image() const {
  return "index.docker.io/rancher/hardened-kubernetes:" + kubernetes;
}

std::string Build::runtime_image() const {
  return "index.docker.io/rancher/rke2-runtime:" + version.image_tag();
}

Result<Build> parse_build(std::string_view json) {
  TRY_ASSIGN(const Json object, parse_json(json), "build.json");
  Build build;
  TRY_ASSIGN(build.version, Version::parse(json_string(object, "version")), "build.json: version");
  build.commit = json_string(object, "commit");
  build.etcd = json_string(object, "etcd");
  build.kubernetes = json_string(object, "kubernetes");
  build.go = json_string(object, "go", "go1.23.8");
  if (build.commit.empty() || build.etcd.empty() || build.kubernetes.empty()) {
    return fail(ErrorCode::invalid_input, "build.json: commit, etcd and kubernetes must be given");
  }
  const std::string readiness = json_string(object, "readiness");
  if (readiness == "slow") {
    build.readiness = Readiness::slow;
  } else if (readiness == "readyz") {
    build.readiness = Readiness::readyz;
  } else if (readiness == "synced") {
    build.readiness = Readiness::synced;
  } else {
    return fail(ErrorCode::invalid_input,
                fmt::format("build.json: readiness '{}' is not slow, readyz or synced", readiness));
  }
  return build;
}

Result<Build> load_build() {
  std::error_code error;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto path = binary.parent_path().parent_path() / "share/rke2/build.json";
  std::ifstream file(path);
  if (error || !file) {
    return fail(ErrorCode::invalid_input,
                path.string() + " cannot be read; it tells the stand-in what it is");
  }
  std::stringstream text;
  text << file.rdbuf();
  return parse_build(text.str());
}

std::string version_text(const Build& build) {
  return fmt::format(
      "rke2 version {} ({})\ngo version {} X:boringcrypto\n"
      "stand-in for rke2 (hookshot lab), not the product\n",
      build.version.tag(),
      build.commit,
      build.go);
}

Status check_profile(const Config& config) {
  if (config.profile.empty() || config.cis()) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              config.profile == "cis-1.23"
                  ? "cis-1.23 profile is deprecated. Please use 'cis' instead."
                  : "invalid value provided for --profile flag");
}

Result<Config> parse_config(std::string_view yaml, Config into) {
  std::stringstream lines{std::string(yaml)};
  std::string key;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string content = trimmed(line);
    if (content.empty() || content.front() == '#' || content == "---") {
      continue;
    }
    if (content.front() == '-' && !key.empty()) {
      set(into, key, values(content.substr(1)));
      continue;
    }
    const auto colon = content.find(':');
    if (colon == std::string::npos || line.front() == ' ') {
      return fail(ErrorCode::invalid_input,
                  fmt::format("line {}: '{}' is no key with a value", number, content));
    }
    key = unquoted(content.substr(0, colon));
    const bool add = !key.empty() && key.back() == '+';
    if (add) {
      key.pop_back();
    }
    begin(into, key, add);
    const std::string rest = trimmed(content.substr(colon + 1));
    if (!rest.empty() && rest.front() != '#') {
      set(into, key, values(rest));
    }
  }
  return into;
}

Result<Config> load_config(const std::filesystem::path& directory) {
  TRY_ASSIGN(Config config, parse_file(directory / "config.yaml", {}), "read configuration");
  std::vector<std::filesystem::path> more;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory / "config.yaml.d", error)) {
    if (entry.path().extension() == ".yaml") {
      more.push_back(entry.path());
    }
  }
  std::sort(more.begin(), more.end());
  for (const auto& path : more) {
    TRY_ASSIGN(config, parse_file(path, std::move(config)), "read configuration");
  }
  if (config.node_name.empty()) {
    config.node_name = machine::hostname();
  }
  if (config.node_ip.empty()) {
    TRY_ASSIGN(config.node_ip, machine::address(config.server), "find this node's address");
  }
  return config;
}

}  // namespace harness::standin
