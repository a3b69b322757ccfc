#include "harness/guard/release_world.h"

#include <csignal>
#include <fstream>
#include <thread>

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/guard/action_delay.h"
#include "harness/guard/action_pulse.h"
#include "harness/guard/action_throttle.h"
#include "harness/guard/held_opens.h"

namespace harness::guard {
namespace {

bool frozen(const Process& one) {
  return state_of(one) == 'T';
}

}  // namespace

ReleaseWorld::ReleaseWorld(ArmRecord record) : record_(std::move(record)) {
  record_.data_dir = (folder_ / "data").string();
  for (const char* name : {"data/agent/pod-manifests",
                           "data/server/db",
                           "data/server/tls/etcd",
                           "armed",
                           "cgroup/kubepods",
                           "block",
                           "proc",
                           "k8s.io/0123456789abcdef"}) {
    std::filesystem::create_directories(folder_ / name);
  }
  nft_.instead = [this](const std::string& line) { return answer(line); };
  means_ = nft_.means();
  means_.note = [this](const Json& kept) -> Status {
    held = kept;
    return cut_at_note ? fail(ErrorCode::internal, "the guard dies here") : Status();
  };
  means_.before = (folder_ / "armed/before").string();
  means_.resolver = file("resolv.conf", "nameserver 192.0.2.53\n");
  prepare();
}

ReleaseWorld::~ReleaseWorld() {
  end_hog();
  if (kubelet_ > 0) {
    kill(kubelet_, SIGKILL);
    waitpid(kubelet_, nullptr, 0);
  }
  if (rke2_ > 0) {
    kill(-rke2_, SIGKILL);
    waitpid(rke2_, nullptr, 0);
  }
  if (mounted_) {
    umount2((folder_ / "data/server/db").c_str(), MNT_DETACH);
  }
}

Result<std::unique_ptr<Standing>> ReleaseWorld::strike() {
  TRY_ASSIGN(Struck struck, strike_it(), "strike");
  if (struck.standing) {
    static_cast<void>(struck.standing->step(struck.deed.effect.mono_us + kPulseUs));
  }
  const Deadline deadline = Deadline::after(std::chrono::seconds(10));
  while (record_.action.kind == Action::Kind::slow && !frozen(main_) && !deadline.passed()) {
    std::this_thread::yield();  // until the signal is there
  }
  return std::move(struck.standing);
}

Result<std::string> ReleaseWorld::release() {
  const std::string kind = json_string(held, "kind");
  if (kind == "clock") {
    return release_clock(held, means_, clocks());
  }
  if (kind == "throttled") {
    const auto write = [](const std::string& path, const std::string& text) {
      EXPECT_EQ(text, "8:48 rbps=max wbps=max riops=max wiops=max");
      std::ofstream(path) << "";  // as the kernel has it then
      return Status();
    };
    return release_throttled(held, means_, write, (folder_ / "cgroup").string());
  }
  return guard::release(held, means_);
}

Json ReleaseWorld::look() const {
  Json out = {{"service", up_ ? "up" : "down"},
              {"main process", frozen(main_) ? "frozen" : "runs"},
              {"kubelet", kubelet_ > 0 && frozen({kubelet_, start_ticks(kubelet_)})},
              {"hog", hog_ > 0},
              {"opens held back", holds_opens_back({getpid(), start_ticks(getpid())}, "/proc")},
              {"time keeper", keeper_},
              {"clock off", (wall_us_ - boot_us_) / 1'000'000},
              {"qdisc", qdisc_},
              {"tables", Json::array()},
              {"files", Json::object()}};
  for (const auto& [name, text] : nft_.tables) {
    out["tables"].push_back(name);
  }
  for (const char* under : {"data", "armed", "cgroup"}) {
    for (const auto& item : std::filesystem::recursive_directory_iterator(folder_ / under)) {
      if (item.is_regular_file()) {
        out["files"][item.path().string()] = read_whole(item.path().string()).value_or("?");
      }
    }
  }
  if (mounted_) {
    struct statvfs space {};

    statvfs((folder_ / "data/server/db").c_str(), &space);
    out["blocks free"] = space.f_bfree;
  }
  return out;
}

std::string ReleaseWorld::file(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name) << text;
  return (folder_ / name).string();
}

Result<Struck> ReleaseWorld::strike_it() {
  const auto alone = [](Result<Deed> deed) -> Result<Struck> {
    TRY(deed, "strike");
    return Struck{.deed = *std::move(deed), .standing = nullptr};
  };
  if (record_.action.kind == Action::Kind::clock) {
    return alone(jump_clock(record_, means_, clocks()));
  }
  if (record_.action.kind == Action::Kind::throttle) {
    Container target;
    target.pod = record_.action.pod;
    target.pid = main_.pid;
    means_.proc = (folder_ / "proc").string();
    return alone(throttle_disk(
        record_, target, means_, (folder_ / "cgroup").string(), (folder_ / "block").string()));
  }
  if (record_.action.kind == Action::Kind::delay) {
    return delay_manifest(
        record_, means_, [] { return false; }, is_kubelet_of_rke2);
  }
  return guard::strike(record_, *containers_, means_);
}

Clocks ReleaseWorld::clocks() {
  return {.wall_us = [this] { return wall_us_; },
          .boot_us = [this] { return boot_us_; },
          .set =
              [this](std::int64_t to) {
                wall_us_ = to;
                return Status();
              }};
}

}  // namespace harness::guard
