#include "harness/observe/back_off.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(20));
constexpr const char* kUid = "4a5e1e4b0a1c2d3e4f5a6b7c8d9e0f1a";

std::string line(const std::string& length,
                 const std::string& container = "etcd",
                 const std::string& pid = "1234") {
  return fmt::format(
      "E1124 14:50:35.123456    {} pod_workers.go:1301] \"Error syncing pod, skipping\" "
      "err=\"failed to \\\"StartContainer\\\" for \\\"{}\\\" with CrashLoopBackOff: \\\"back-off "
      "{} restarting failed container={} pod={}-cp-1_kube-system({})\\\"\" "
      "pod=\"kube-system/{}-cp-1\"\n",
      pid,
      container,
      length,
      container,
      container,
      kUid,
      container);
}

// A kubelet's log that grows.
struct Log {
  explicit Log(FakeServer& server) {
    server.node.on_run("stat --format=%s", [this](const exec::Command&) {
      const std::lock_guard lock(mutex);
      return says(std::to_string(text.size()) + "\n");
    });
    server.node.on_run("tail --bytes=+", [this](const exec::Command& command) {
      const std::lock_guard lock(mutex);
      const std::size_t from = std::stoul(command.argv.at(1).substr(9)) - 1;
      return says(text.substr(std::min(from, text.size()), kept));
    });
  }

  static exec::CommandResult says(std::string out) {
    exec::CommandResult result;
    result.out = std::move(out);
    return result;
  }

  void write(const std::string& more) {
    const std::lock_guard lock(mutex);
    text += more;
  }

  std::mutex mutex;
  std::string text;
  std::size_t kept = std::string::npos;
};

std::vector<std::int64_t> seconds(const Result<std::vector<Json>>& events) {
  std::vector<std::int64_t> all;
  for (const Json& one : events.value()) {
    all.push_back(one["seconds"]);
  }
  return all;
}

TEST(BackOff, is_read_from_kubelet_s_own_words) {
  EXPECT_EQ(back_off_us("back-off 40s restarting failed container=etcd pod=etcd-cp-1"), 40'000'000);
  EXPECT_EQ(back_off_us("back-off 2m40s restarting failed container=etcd"), 160'000'000);
  EXPECT_EQ(back_off_us("back-off 5m0s restarting"), 300'000'000);
  EXPECT_EQ(back_off_us("image is being pulled"), 0);
  EXPECT_EQ(back_off_us("back-off pulling image"), 0);
  EXPECT_EQ(back_off_us("back-off 99999999999999999999s restarting"), 0);
}

TEST(BackOff, is_found_in_a_line_of_kubelet_s_log) {
  const auto found = parse_back_off(line("1m20s"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pod, "etcd-cp-1");
  EXPECT_EQ(found->container, "etcd");
  EXPECT_EQ(found->uid, kUid);
  EXPECT_EQ(found->us, 80'000'000);
  // As Kubernetes 1.20 has it: the same words within another head.
  const auto old = parse_back_off(
      "E1124 14:49:12.359949   13033 pod_workers.go:191] Error syncing pod 8d18 "
      "(\"etcd-cp-1_kube-system(8d18)\"), skipping: failed to \"StartContainer\" for \"etcd\" with "
      "CrashLoopBackOff: \"back-off 10s restarting failed container=etcd "
      "pod=etcd-cp-1_kube-system(8d18)\"");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->pod + " " + old->container + " " + old->uid, "etcd-cp-1 etcd 8d18");
  for (const char* other :
       {"I1124 14:50:35.123456    1234 kubelet.go:1] \"back-off pulling image\"",
        "Back-off restarting failed container=etcd",
        "back-off soon restarting failed container=etcd pod=x",
        "back-off 10s restarting failed container=etcd",
        ""}) {
    EXPECT_FALSE(parse_back_off(other)) << other;
  }
}

TEST(BackOffLog, tells_each_step_once_and_nothing_from_before) {
  FakeServer server;
  Log log(server);
  log.write(line("5m0s"));
  BackOffLog reader(server.node);
  EXPECT_TRUE(reader.read(kSoon)->empty());
  log.write(line("10s") + line("10s") + "I1124 something else\n" + line("10s", "kube-apiserver"));
  const auto first = reader.read(kSoon);
  EXPECT_EQ(seconds(first), (std::vector<std::int64_t>{10, 10}));
  EXPECT_EQ(first->at(0)["type"], "back-off");
  EXPECT_EQ(first->at(0)["node"], "cp-1");
  EXPECT_EQ(first->at(0)["pod"], "etcd-cp-1");
  EXPECT_EQ(first->at(1)["container"], "kube-apiserver");
  EXPECT_THAT(json_string(first->at(0), "line"), HasSubstr("CrashLoopBackOff"));
  log.write(line("10s") + line("20s"));
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{20}));
  EXPECT_TRUE(reader.read(kSoon)->empty());
}

TEST(BackOffLog, takes_another_kubelet_s_word_as_news) {
  FakeServer server;
  Log log(server);
  BackOffLog reader(server.node);
  (void)reader.read(kSoon);
  log.write(line("10s") + line("10s", "etcd", "5678"));
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{10, 10}));
}

TEST(BackOffLog, loses_no_line_that_was_half_written_cut_or_in_a_new_file) {
  FakeServer server;
  Log log(server);
  log.write(std::string(5000, 'x') + "\n");
  BackOffLog reader(server.node);
  (void)reader.read(kSoon);
  const std::string whole = line("10s");
  log.write(whole.substr(0, 200));
  EXPECT_TRUE(reader.read(kSoon)->empty());
  log.write(whole.substr(200));
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{10}));
  log.kept = whole.size() + 20;
  log.write(line("20s") + line("40s"));
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{20}));
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{40}));
  log.text = line("1m20s");
  EXPECT_EQ(seconds(reader.read(kSoon)), (std::vector<std::int64_t>{80}));
}

TEST(BackOffs, follow_each_node_until_they_are_stopped_and_through_a_lost_connection) {
  FakeServer server;
  FakeServer worker("w-1", "192.0.2.21", false);
  Log log(server);
  Log other(worker);
  const Access access("lab", {&server.node, &worker.node});
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<std::int64_t>> seen;
  const auto wait = [&](const std::string& node, std::vector<std::int64_t> wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return seen[node] == wanted; });
  };
  BackOffs observer(access, {.period = std::chrono::milliseconds(2)}, [&](const Json& event) {
    const std::lock_guard lock(mutex);
    seen[event["node"]].push_back(event["seconds"]);
    changed.notify_all();
  });
  // The log is followed from where it ended when it was first seen.
  ASSERT_TRUE(
      eventually("asked twice", kSoon, std::chrono::milliseconds(2), [&]() -> Result<Observation> {
        return Observation{server.node.traffic().size() > 1 && worker.node.traffic().size() > 1,
                           "asked once"};
      }));
  log.write(line("10s"));
  other.write(line("20s", "kube-proxy"));
  EXPECT_TRUE(wait("cp-1", {10}));
  EXPECT_TRUE(wait("w-1", {20}));
  server.node.lose_connection();
  log.write(line("20s"));
  ASSERT_TRUE(server.node.reconnect(kSoon));
  EXPECT_TRUE(wait("cp-1", {10, 20}));
  observer.stop();
  const std::size_t asked = server.node.traffic().size();
  EXPECT_GT(asked, 2u);
  EXPECT_EQ(seen["cp-1"].size(), 2u);
}

}  // namespace
}  // namespace harness::observe
