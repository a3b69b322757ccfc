#include "harness/lab/standin/containerd.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/lab/standin/child.h"
#include "harness/lab/standin/cri.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/runtime_image.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

std::atomic<pid_t> containerd_pid = 0;

std::string stamp(const fs::path& file) {
  std::error_code ignored;
  return fmt::format("{}-{}",
                     fs::file_size(file, ignored),
                     fs::last_write_time(file, ignored).time_since_epoch().count());
}

// From 1.30.13 on: with this file present, an archive is imported only when it is not the one of
// the last time.
class ImportCache {
 public:
  explicit ImportCache(const Node& node) : file_(node.paths.images() / ".cache.json") {
    active_ = node.build.readiness == Readiness::synced && fs::exists(file_);
    if (active_) {
      const auto text = machine::read_file(file_);
      const auto parsed = parse_json(text ? *text : "{}");
      known_ = parsed && parsed->is_object() ? *parsed : Json::object();
    }
  }

  bool has(const fs::path& archive) const {
    return active_ && json_string(known_, archive.c_str()) == stamp(archive);
  }

  void add(const fs::path& archive) {
    if (active_) {
      known_[archive.string()] = stamp(archive);
      static_cast<void>(machine::write_file(file_, known_.dump()));
    }
  }

 private:
  fs::path file_;
  bool active_ = false;
  Json known_;
};

// What writes the archive's plain tar to its standard output.
Command unpacked(const fs::path& archive) {
  const std::string kind = archive.extension();
  const char* program = kind == ".gz" || kind == ".tgz" ? "gzip" : kind == ".zst" ? "zstd" : "";
  return *program == '\0' ? Command{{"cat", archive}, {}, {}}
                          : Command{{program, "-dc", archive}, {}, {}};
}

Status import_one(const Node& node, const fs::path& archive) {
  const auto begun = std::chrono::steady_clock::now();
  logrus::info("Importing images from {}", archive.string());
  const Command import = {{node.runtime_bin + "/ctr",
                           "-a",
                           kContainerdSocket,
                           "-n",
                           "k8s.io",
                           "images",
                           "import",
                           "--no-unpack",
                           "-"},
                          {{"PATH", node.path_variable()}},
                          {}};
  TRY(capture_from(unpacked(archive), import), "import " + archive.string());
  TRY_ASSIGN(const std::string manifest, archive_manifest(archive), "manifest");
  for (const auto& reference : references_in(manifest)) {
    const auto known = [&]() -> Result<Observation> {
      TRY_ASSIGN(Cri cri, Cri::connect(kContainerdSocket), "cri");
      TRY_ASSIGN(const bool found, cri.has_image(reference), "image status");
      return Observation{found, "unknown to the runtime"};
    };
    TRY(eventually(reference,
                   Deadline::after(std::chrono::minutes(1)),
                   std::chrono::milliseconds(50),
                   known),
        "images");
    logrus::info("Imported {}", reference);
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  logrus::info("Imported images from {} in {:.9f}s", archive.string(), took);
  return {};
}

}  // namespace

std::string containerd_config(const Node& node,
                              bool restrict_oom_score,
                              const std::string& snapshotter) {
  const std::string root = node.paths.agent() / "containerd";
  std::error_code ignored;
  const char* cni = fs::is_directory("/opt/cni/bin", ignored) ? "/opt/cni/bin" : "/usr/lib/cni";
  return fmt::format(
      "# Written by the stand-in for rke2 at each start.\n"
      "version = 2\n"
      "root = \"{0}\"\n"
      "state = \"{1}\"\n"
      "[grpc]\n"
      "  address = \"{2}\"\n"
      "[plugins.\"io.containerd.internal.v1.opt\"]\n"
      "  path = \"{0}\"\n"
      "[plugins.\"io.containerd.grpc.v1.cri\"]\n"
      "  stream_server_address = \"127.0.0.1\"\n"
      "  stream_server_port = \"10010\"\n"
      "  enable_selinux = false\n"
      "  restrict_oom_score_adj = {3}\n"
      "  sandbox_image = \"{4}\"\n"
      "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n"
      "  snapshotter = \"{5}\"\n"
      "  disable_snapshot_annotations = true\n"
      "[plugins.\"io.containerd.grpc.v1.cri\".cni]\n"
      "  bin_dir = \"{6}\"\n"
      "  conf_dir = \"/etc/cni/net.d\"\n"
      "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n"
      "  runtime_type = \"io.containerd.runc.v2\"\n"
      "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n"
      "  SystemdCgroup = false\n",
      root,
      kContainerdState,
      kContainerdSocket,
      restrict_oom_score,
      kPauseImage,
      snapshotter,
      cni);
}

std::vector<std::string> containerd_argv(const Paths& paths) {
  return {"containerd",
          "-c",
          paths.agent() / "etc/containerd/config.toml",
          "-a",
          kContainerdSocket,
          "--state",
          kContainerdState,
          "--root",
          paths.agent() / "containerd"};
}

Status start_containerd(const Node& node) {
  const fs::path config = node.paths.agent() / "etc/containerd/config.toml";
  const fs::path log = node.paths.agent() / "containerd/containerd.log";
  std::error_code ignored;
  fs::create_directories(node.paths.agent() / "containerd", ignored);
  const bool overlay = machine::takes_overlay(node.paths.agent() / "containerd");
  TRY(machine::write_file(
          config,
          containerd_config(node, !machine::has_sys_resource(), overlay ? "overlayfs" : "native"),
          0644),
      "containerd configuration");
  logrus::info("Logging containerd to {}", log.string());
  std::vector<std::string> argv = containerd_argv(node.paths);
  logrus::info("Running {}", fmt::join(argv, " "));
  argv.front() = node.runtime_bin + "/containerd";
  background([argv, path = node.path_variable(), log] {
    const std::string how =
        run({argv, {{"PATH", path}}, log}, [](pid_t pid) { containerd_pid = pid; });
    if (how.empty()) {
      logrus::error("containerd exited: <nil>");
      ::_exit(0);
    }
    logrus::error("containerd exited: {}", how);
    logrus::die();
  });
  wait_for_runtime(node);
  return {};
}

void wait_for_runtime(const Node& node) {
  const char* name = node.config.container_runtime_endpoint.empty() ? "containerd" : "CRI";
  for (bool first = true;; first = false) {
    const auto cri = Cri::connect(node.cri_endpoint());
    if (cri) {
      break;
    }
    if (!first) {
      logrus::info("Waiting for {} startup: {}", name, cri.error().message());
    }
    paced(std::chrono::seconds(1), {});
  }
  logrus::info("{} is now running", name);
}

Status import_images(const Node& node) {
  ImportCache cache(node);
  for (const auto& archive : image_archives(node.paths)) {
    if (cache.has(archive)) {
      continue;
    }
    if (auto imported = import_one(node, archive); !imported) {
      return fail(imported.error());
    }
    cache.add(archive);
  }
  return {};
}

void stop_containerd() {
  if (const pid_t pid = containerd_pid; pid > 0) {
    ::kill(pid, SIGKILL);
  }
}

}  // namespace harness::standin
