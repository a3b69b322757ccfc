// What the stand-in is (build.json beside the binary) and what it was told (the node's
// config.yaml).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/version.h"

namespace harness::standin {

// When the gate for hooks and late manifests opens. It is the only difference in behaviour between
// releases, beside the image tags and the age at which certificates are renewed.
enum class Readiness {
  slow,    // etcd is ready, then an apiserver answers; tries of 30 s
  readyz,  // an apiserver answers, asked from bootstrap on, whichever it is
  synced,  // static pods match their manifests, then an apiserver answers
};

struct Build {
  Version version;
  std::string commit;
  std::string etcd;        // image tag
  std::string kubernetes;  // image tag
  std::string go;
  Readiness readiness = Readiness::synced;

  // Certificates with less time left are renewed at start.
  int renewal_days() const { return readiness == Readiness::synced ? 120 : 90; }

  std::string etcd_image() const;
  std::string kubernetes_image() const;
  std::string runtime_image() const;
};

inline constexpr std::string_view kPauseImage = "index.docker.io/rancher/mirrored-pause:3.6";

Result<Build> parse_build(std::string_view json);
// From ../share/rke2/build.json, relative to the running binary.
Result<Build> load_build();
// The three lines of `rke2 --version`.
std::string version_text(const Build& build);

struct Config {
  std::string token;
  std::string server;
  std::string node_ip;
  std::string node_name;
  std::string profile;
  std::vector<std::string> tls_san;
  std::string write_kubeconfig_mode = "0600";
  std::string container_runtime_endpoint;
  std::filesystem::path data_dir = "/var/lib/rancher/rke2";
  std::vector<std::string> etcd_arg;
  std::vector<std::string> kube_apiserver_arg;
  std::vector<std::string> ignored;  // flags of the product that the stand-in does not heed
  std::vector<std::string> unknown;  // keys that are no flags

  bool cis() const { return profile == "cis"; }
};

// The product's words for a profile that it does not take.
Status check_profile(const Config& config);

// The flat YAML that such a file is: `key: value`, `key: [a, b]`, and lists with dashes.
// A key stands for itself alone; `key+:` adds to what was there.
Result<Config> parse_config(std::string_view yaml, Config into = {});
// config.yaml and config.yaml.d/*.yaml below `directory`; a missing file is an empty one. Name and
// address that are not given come from the machine.
Result<Config> load_config(const std::filesystem::path& directory);

}  // namespace harness::standin
