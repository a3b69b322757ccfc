// Where everything lies, as in the product (rke2's documentation, and facts 5.1 to 5.3 of this
// project).
#pragma once

#include <filesystem>
#include <string>

namespace harness::standin {

struct Paths {
  std::filesystem::path data = "/var/lib/rancher/rke2";
  std::filesystem::path etc = "/etc/rancher";

  std::filesystem::path agent() const { return data / "agent"; }

  std::filesystem::path server() const { return data / "server"; }

  std::filesystem::path tls() const { return server() / "tls"; }

  std::filesystem::path etcd_tls() const { return tls() / "etcd"; }

  std::filesystem::path cred() const { return server() / "cred"; }

  std::filesystem::path etcd_db() const { return server() / "db/etcd"; }

  std::filesystem::path manifests() const { return agent() / "pod-manifests"; }

  std::filesystem::path images() const { return agent() / "images"; }

  std::filesystem::path bin() const { return data / "bin"; }

  std::filesystem::path admin_kubeconfig() const { return etc / "rke2/rke2.yaml"; }
};

inline constexpr const char* kContainerdSocket = "/run/k3s/containerd/containerd.sock";
inline constexpr const char* kContainerdState = "/run/k3s/containerd";
inline constexpr const char* kApiserver = "https://127.0.0.1:6443";
inline constexpr const char* kClusterCidr = "10.42.0.0/16";
inline constexpr const char* kServiceCidr = "10.43.0.0/16";
inline constexpr const char* kServiceAddress = "10.43.0.1";
inline constexpr const char* kClusterDns = "10.43.0.10";

}  // namespace harness::standin
