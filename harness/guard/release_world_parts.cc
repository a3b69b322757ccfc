// What there is of that node for one action or another.
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"
#include "harness/guard/held_opens.h"
#include "harness/guard/release_world.h"

namespace harness::guard {

void ReleaseWorld::prepare() {
  auto& amounts = record_.action.amounts;
  switch (record_.action.kind) {
    case Action::Kind::freeze:
      containers_with_etcd();
      break;
    case Action::Kind::child:
      start_kubelet();
      break;
    case Action::Kind::manifest:
      file("data/agent/pod-manifests/etcd.yaml", "kind: Pod\nmetadata:\n  uid: 0123456789abcdef\n");
      break;
    case Action::Kind::delay:
      start_reader();
      break;
    case Action::Kind::burn:
      amounts["cores"] = 1;
      break;
    case Action::Kind::memory:
      amounts["leave_mb"] = 100;
      means_.proc = (folder_ / "proc").string();
      available_mb(1000);
      break;
    case Action::Kind::fill:
      amounts = {{"keep_free_mb", 0}, {"may_fill_root", 0}};
      mounted_ = mount("tmpfs", (folder_ / "data/server/db").c_str(), "tmpfs", 0, "size=8m") == 0;
      why_not = mounted_ ? "" : "no file system of the test's own can be mounted here";
      break;
    case Action::Kind::throttle:
      throttled_disk();
      break;
    case Action::Kind::clock:
      amounts["offset_ms"] = 3'600'000;
      break;
    case Action::Kind::certificate:
      amounts["expires_in_s"] = 0;
      record_.action.object = "etcd-server";
      make_certificate();
      break;
    case Action::Kind::netem:
      amounts["loss_percent"] = 5;
      break;
    default:
      break;
  }
}

void ReleaseWorld::containers_with_etcd() {
  const std::string prefix = "io.kubernetes.cri.";
  const Json notes = {{prefix + "container-name", "etcd"},
                      {prefix + "container-type", "container"},
                      {prefix + "sandbox-name", "etcd-cp-1"},
                      {prefix + "sandbox-namespace", "kube-system"},
                      {prefix + "sandbox-uid", "u1"}};
  file("k8s.io/0123456789abcdef/config.json", Json{{"annotations", notes}}.dump());
  file("k8s.io/0123456789abcdef/init.pid", std::to_string(main_.pid));
  in_cgroup("/kubepods/0123456789abcdef");
  means_.proc = (folder_ / "proc").string();
  containers_ = std::make_unique<ContainerWatch>(
      ContainerWatch::Options{.root = (folder_ / "k8s.io").string(), .proc = means_.proc});
  containers_->poll(true, [](const Json&) {});
}

void ReleaseWorld::in_cgroup(const std::string& group) const {
  const std::string own = "proc/" + std::to_string(main_.pid);
  std::filesystem::create_directories(folder_ / own);
  file(own + "/cgroup", "0::" + group + "\n");
}

void ReleaseWorld::start_kubelet() {
  const std::string program = (folder_ / "kubelet").string();
  std::filesystem::copy_file("/bin/sleep", program);
  kubelet_ = start({program, "600"}, 0, 1, 2);
  const Deadline deadline = Deadline::after(std::chrono::seconds(10));
  while (comm_of(kubelet_) != "kubelet" && !deadline.passed()) {
    std::this_thread::yield();
  }
  record_.action.object = "kubelet";
  main_pid_ = getpid();
}

void ReleaseWorld::start_reader() {
  const std::string manifest =
      file("data/agent/pod-manifests/etcd.yaml", "kind: Pod\nmetadata:\n  uid: 0123456789abcdef\n");
  record_.action.hold = std::chrono::seconds(30);
  if (const Status can = check_held_opens((folder_ / "data/agent/pod-manifests").string()); !can) {
    why_not = can.error().message();
    return;
  }
  const std::string rke2 = (folder_ / "rke2").string();
  const std::string kubelet = (folder_ / "kubelet").string();
  std::filesystem::copy_file("/bin/sh", rke2);
  std::filesystem::copy_file("/bin/cat", kubelet);
  const exec::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  rke2_ = start({rke2, "-c", fmt::format("while {} {}; do :; done", kubelet, manifest)},
                null.get(),
                null.get(),
                null.get());
}

void ReleaseWorld::throttled_disk() {
  struct stat info {};

  stat((folder_ / "data/server/db").c_str(), &info);
  in_cgroup("/kubepods");
  file("cgroup/kubepods/io.max", "");
  std::filesystem::create_directories(folder_ / "disks/sdz");
  file("disks/sdz/dev", "8:48\n");
  std::filesystem::create_directory_symlink(
      folder_ / "disks/sdz",
      folder_ / "block" / fmt::format("{}:{}", major(info.st_dev), minor(info.st_dev)));
  why_not = major(info.st_dev) == 0 ? "temporary files are on no disk of their own here" : "";
}

void ReleaseWorld::available_mb(int amount) const {
  file("proc/meminfo", fmt::format("MemAvailable: {} kB\n", amount * 1024));
}

void ReleaseWorld::make_certificate() {
  const std::string tls = (folder_ / "data/server/tls/etcd").string();
  certificate_ = tls + "/server-client.crt";
  const auto make = [](const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> words = {"openssl",
                                      "req",
                                      "-x509",
                                      "-newkey",
                                      "ec",
                                      "-pkeyopt",
                                      "ec_paramgen_curve:prime256v1",
                                      "-nodes",
                                      "-days",
                                      "365",
                                      "-subj",
                                      "/CN=" + name};
    words.insert(words.end(), more.begin(), more.end());
    const auto made = spawn(words, std::chrono::seconds(20));
    return made && made->ok();
  };
  const std::string ca = tls + "/server-ca";
  const bool made =
      make("ca", {"-keyout", ca + ".key", "-out", ca + ".crt"}) && make("etcd",
                                                                        {"-CA",
                                                                         ca + ".crt",
                                                                         "-CAkey",
                                                                         ca + ".key",
                                                                         "-keyout",
                                                                         tls + "/leaf.key",
                                                                         "-out",
                                                                         certificate_});
  why_not = made ? "" : "openssl makes no certificate here";
  const auto fake = means_.feed;
  means_.feed = [this, fake](const std::vector<std::string>& argv,
                             const std::string& input,
                             std::chrono::milliseconds limit) -> Result<Finished> {
    if (argv.size() > 1 && argv[1] == "s_client") {
      return Finished{.out = read_whole(certificate_).value_or("")};
    }
    return argv[0] == "openssl" ? spawn(argv, limit, input) : fake(argv, input, limit);
  };
}

}  // namespace harness::guard
