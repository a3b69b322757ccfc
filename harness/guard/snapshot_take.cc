// One look at a node.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "harness/guard/action_clock.h"
#include "harness/guard/data_dir.h"
#include "harness/guard/nft_table.h"
#include "harness/guard/qdisc.h"
#include "harness/guard/snapshot.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSmall = 65536;
constexpr std::size_t kMostFound = 400;
constexpr std::chrono::milliseconds kAnswer{10'000};

// Those of pods, which come and go.
constexpr std::array<std::string_view, 5> kOfPods = {
    "/run/k3s/", "/var/lib/kubelet/", "/run/netns/", "/run/credentials/", "/run/user/"};
constexpr std::array<std::string_view, 2> kUnitLimits = {"cpu.max", "cpu.cfs_quota_us"};

class Look {
 public:
  Look(const ArmRecord& record, const Means& means, const SnapshotPlaces& places)
      : record_(record), means_(means), places_(places) {}

  Json all() {
    firewall();
    qdiscs();
    limits();
    files();
    units();
    mounts();
    stopped();
    const Clocks clocks = Clocks::of_this_node();
    return {{"boot_id", boot_id()},
            {"wall_us", clocks.wall_us()},
            {"boot_us", clocks.boot_us()},
            {"entries", entries_},
            {"unread", unread_}};
  }

 private:
  void add(std::string_view group, const std::string& what, const std::string& is) {
    if (entries_.size() < kMostFound) {
      entries_[fmt::format("{} {}", group, what)] = one_line(is);
    } else {
      unread_[std::string(group)] = "there is too much of it";
    }
  }

  void firewall() {
    const auto all = all_tables(means_);
    if (!all) {
      unread_["table"] = all.error().message();
      return;
    }
    for (const std::string& table : *all) {
      add("table", table, "there");
    }
  }

  void qdiscs() {
    const auto all = read_qdiscs(means_);
    if (!all) {
      unread_["qdisc"] = all.error().message();
      return;
    }
    for (const Qdisc& one : *all) {
      if (one.parent.empty() || one.handle != "0:") {
        add("qdisc",
            one.device + (one.parent.empty() ? "" : " below " + one.parent),
            one.kind + " " + one.handle);
      }
    }
  }

  void limits() {
    std::error_code problem;
    fs::recursive_directory_iterator at(
        places_.cgroups, fs::directory_options::skip_permission_denied, problem);
    for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
      const fs::path& file = at->path();
      const std::string name = file.filename().string();
      const bool of_unit = file.parent_path().filename() == record_.unit &&
                           std::ranges::find(kUnitLimits, name) != kUnitLimits.end();
      if (!of_unit && name != "io.max") {
        continue;
      }
      const std::string text = read_whole(file.string(), kSmall).value_or("");
      if (!text.empty() && !text.starts_with("max") && !text.starts_with("-1")) {
        add("limit", file.string(), text.substr(0, text.find_last_not_of('\n') + 1));
      }
    }
    if (problem) {
      unread_["limit"] = problem.message();
    }
  }

  void files() {
    const std::string& data = record_.data_dir;
    std::vector<std::string> argv = {"sha256sum", "--"};
    std::error_code problem;
    for (const std::string& folder : {data + "/agent",
                                      manifests_in(data),
                                      data + "/server",
                                      data + "/server/tls",
                                      data + "/server/tls/etcd"}) {
      for (const auto& item : fs::directory_iterator(folder, problem)) {
        const std::string path = item.path().string();
        if (item.path().filename().string().starts_with(".hookshot")) {
          add("name", path, "there");
        } else if (item.is_regular_file(problem) &&
                   (path.ends_with(".yaml") || path.ends_with(".crt"))) {
          argv.push_back(path);
        }
      }
    }
    if (argv.size() == 2) {
      return;
    }
    const auto asked = means_.feed(argv, "", kAnswer);
    // One that went meanwhile makes it fail, and the others are told.
    if (!asked || asked->timed_out || asked->out.empty()) {
      unread_["file"] = "sha256sum gives no answer";
      return;
    }
    std::istringstream lines(asked->out);
    for (std::string line; std::getline(lines, line);) {
      if (const std::size_t gap = line.find("  "); gap != std::string::npos) {
        add("file", line.substr(gap + 2), line.substr(0, gap));
      }
    }
  }

  void units() {
    for (const std::string& unit : units_left()) {
      add("unit", unit, "there");
    }
    std::vector<std::string> argv = {"systemctl", "is-active", record_.unit};
    argv.insert(argv.end(), kTimeKeepers.begin(), kTimeKeepers.end());
    const auto asked = means_.feed(argv, "", kAnswer);
    std::istringstream lines(asked && !asked->timed_out ? asked->out : "");
    std::vector<std::string> said;
    for (std::string line; std::getline(lines, line);) {
      said.push_back(line);
    }
    if (said.size() + 2 != argv.size()) {
      unread_["service"] = "systemctl gives no answer for each";
      return;
    }
    for (std::size_t i = 0; i < said.size(); ++i) {
      const bool gone = said[i] == "inactive" || said[i] == "failed" || said[i] == "unknown";
      add("service", argv[i + 2], gone ? "inactive" : "active");
    }
  }

  void mounts() {
    const auto text = read_whole(places_.mounts);
    if (!text) {
      unread_["mount"] = text.error().message();
      return;
    }
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string word;
      for (int i = 0; i < 5; ++i) {
        words >> word;
      }
      const auto of_pod = [&](std::string_view folder) { return word.starts_with(folder); };
      if (std::ranges::none_of(kOfPods, of_pod)) {
        const std::size_t dash = line.find(" - ");
        const std::string kind = dash == std::string::npos ? "" : line.substr(dash + 3);
        add("mount", word, kind.substr(0, kind.find(' ')));
      }
    }
  }

  void stopped() {
    std::error_code problem;
    for (const auto& item : fs::directory_iterator(means_.proc, problem)) {
      const int pid = std::atoi(item.path().filename().c_str());
      if (pid > 0 && stat_field(pid, 3, means_.proc) == "T") {
        add("stopped",
            fmt::format("{}:{}", pid, stat_field(pid, 22, means_.proc)),
            comm_of(pid, means_.proc));
      }
    }
    if (problem) {
      unread_["stopped"] = problem.message();
    }
  }

  const ArmRecord& record_;
  const Means& means_;
  const SnapshotPlaces& places_;
  Json entries_ = Json::object();
  Json unread_ = Json::object();
};

}  // namespace

Json take_snapshot(const ArmRecord& record, const Means& means, const SnapshotPlaces& places) {
  return Look(record, means, places).all();
}

}  // namespace harness::guard
