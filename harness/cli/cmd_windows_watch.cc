// windows watch: windows as they open and close on the nodes. Reads only: no lease, no mark, and
// a guard of another build under somebody's lease is left alone (connecting refuses).

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/observe/build.h"
#include "harness/observe/node_stream.h"
#include "harness/observe/window_lines.h"
#include "harness/run/progress.h"

namespace harness::cli {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kRedrawNs = 200'000'000;

struct Options {
  std::string inventory;
  std::string node;
  std::string of;
  std::string length;
  bool json = false;
};

// Takes what the streams' threads hand over and prints it: lines, or lines above a status line.
class Screen {
 public:
  Screen(bool json, bool live) : json_(json), live_(live && !json) {}

  ~Screen() { clear(); }

  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void watching(const std::string& node, const std::string& tag) {
    const std::lock_guard lock(mutex_);
    lines_.watching(node, tag);
  }

  void take(const Json& event) {
    const std::lock_guard lock(mutex_);
    const Json shown = lines_.take(event);
    if (shown.is_null()) {
      return;
    }
    clear();
    if (json_) {
      print_json_line(shown);
    } else {
      print_out("{}\n", observe::text_of(shown));
    }
    draw();
  }

  void redraw() {
    const std::lock_guard lock(mutex_);
    clear();
    draw();
  }

 private:
  void clear() {
    if (drawn_) {
      std::fputs("\r\033[K", stdout);
      drawn_ = false;
    }
  }

  void draw() {
    const std::string open = live_ ? lines_.open(wall_now_us()) : std::string();
    if (!open.empty()) {
      print_out("open: {:.120}", open);
      drawn_ = true;
    }
    std::fflush(stdout);
  }

  const bool json_;
  const bool live_;
  std::mutex mutex_;
  observe::WindowLines lines_;
  bool drawn_ = false;
};

// SIGINT and SIGTERM, blocked in every thread and taken by one that waits for them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  // The signal that came within the time; 0 for none.
  int wait(std::int64_t nanoseconds) const {
    const timespec limit{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    const int got = sigtimedwait(&set_, nullptr, &limit);
    return got > 0 ? got : 0;
  }

 private:
  sigset_t set_;
};

Result<Version> version_of(const Options& options, cluster::Node& node) {
  if (!options.of.empty()) {
    return Version::parse(options.of);
  }
  TRY_ASSIGN(
      const observe::Installed installed,
      observe::read_installed(node, Deadline::after(seconds(20))),
      fmt::format("{}: which build is installed (--of VERSION says it instead)", node.name()));
  return Version::parse(installed.version);
}

Result<std::vector<std::unique_ptr<observe::NodeStream>>> follow(
    const Options& options,
    const inventory::Inventory& inventory,
    cluster::Cluster& cluster,
    Screen& screen) {
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  std::vector<std::unique_ptr<observe::NodeStream>> out;
  for (cluster::Node* node : cluster.nodes()) {
    TRY_ASSIGN(const Version version, version_of(options, *node), "watch");
    TRY_ASSIGN(std::vector<event::WindowDef> windows,
               plan::windows_on(packs,
                                version,
                                node->is_server() ? "server" : "agent",
                                inventory.conditions_of(*inventory.find(node->name()))),
               node->name());
    screen.watching(node->name(), version.tag());
    fmt::print(stderr, "{}: {} windows of {}\n", node->name(), windows.size(), version.tag());
    out.push_back(std::make_unique<observe::NodeStream>(
        *node,
        observe::NodeStream::Options{.cluster = cluster.name(), .windows = std::move(windows)},
        [&screen](const Json& event) { screen.take(event); }));
  }
  for (const auto& stream : out) {
    TRY(stream->wait_live(Deadline::after(seconds(30))), "watch");
  }
  return out;
}

// Those of the inventory that are asked for.
Result<inventory::Inventory> choose(const std::string& name, inventory::Inventory inventory) {
  if (name.empty()) {
    return inventory;
  }
  std::string names;
  for (const inventory::Node& node : inventory.nodes) {
    names += (names.empty() ? "" : ", ") + node.name;
  }
  std::erase_if(inventory.nodes, [&](const inventory::Node& node) { return node.name != name; });
  if (inventory.nodes.empty()) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format(
            "--node: cluster {} has no node '{}'; it has: {}", inventory.cluster, name, names));
  }
  return inventory;
}

Result<int> watch(const Options& options) {
  std::optional<Microseconds> length;
  if (!options.length.empty()) {
    TRY_ASSIGN(length, parse_duration(options.length), "--for");
  }
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(options.inventory), "inventory");
  TRY_ASSIGN(const inventory::Inventory chosen, choose(options.node, inventory), "watch");
  const Signals signals;
  TRY_ASSIGN(const std::unique_ptr<cluster::Cluster> cluster,
             cluster::Cluster::connect(chosen, Deadline::after(std::chrono::minutes(1))),
             "connect");
  Screen screen(options.json, run::Progress::detect(stdout) == run::Progress::Style::live);
  TRY_ASSIGN(const auto streams, follow(options, inventory, *cluster, screen), "windows");
  fmt::print(stderr, "watching; Ctrl-C ends it\n");
  const Deadline end = Deadline::after(length.value_or(std::chrono::hours(24 * 365)));
  int signal = 0;
  while (signal == 0 && !end.passed()) {
    signal = signals.wait(kRedrawNs);
    screen.redraw();
  }
  return signal == 0 ? static_cast<int>(kPassed) : 128 + signal;
}

}  // namespace

void add_windows_watch(CLI::App& windows, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      windows.add_subcommand("watch", "Show windows as they open and close on the nodes");
  inventory_option(*verb, options->inventory);
  verb->add_option("--node", options->node, "Only this node");
  verb->add_option("--of", options->of, "The windows of this release, not of what is installed");
  verb->add_option("--for", options->length, "End after this long, e.g. 10m");
  verb->add_flag("--json", options->json, "JSON lines");
  verb->footer(
      "Times are those of the node's clock. Takes no lease and hurts nothing. Until Ctrl-C.");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = watch(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
