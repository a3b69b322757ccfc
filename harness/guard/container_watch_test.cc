#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/event/marker.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/firing.h"
#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A process that waits to be killed.
class Child {
 public:
  Child() : pid_(fork()) {
    if (pid_ == 0) {
      pause();
      _exit(0);
    }
  }

  ~Child() { end(); }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }

  void end() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
  }

 private:
  int pid_;
};

class Containers : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_ / "proc"); }

  ContainerWatch::Options options() const {
    return {.root = (root_ / "k8s.io").string(), .proc = (root_ / "proc").string()};
  }

  struct Bundle {
    std::string pod = "etcd";
    std::string pod_name = "etcd-cp-1";
    std::string name_space = "kube-system";
    std::string kind = "container";
    std::string uid = "3d1f0c8e5b7a49621f0e9d8c7b6a5f40";
  };

  void config(const std::string& id, const Bundle& bundle) const {
    fs::create_directories(root_ / "k8s.io" / id);
    const std::string prefix = "io.kubernetes.cri.";
    const Json annotations = {{prefix + "container-name", bundle.pod},
                              {prefix + "container-type", bundle.kind},
                              {prefix + "sandbox-name", bundle.pod_name},
                              {prefix + "sandbox-namespace", bundle.name_space},
                              {prefix + "sandbox-uid", bundle.uid}};
    std::ofstream(root_ / "k8s.io" / id / "config.json") << Json{{"annotations", annotations}};
  }

  void process(const std::string& id, int pid, const std::string& in_cgroup_of) const {
    fs::create_directories(root_ / "proc" / std::to_string(pid));
    std::ofstream(root_ / "proc" / std::to_string(pid) / "cgroup")
        << "0::/kubepods/cri-containerd-" << in_cgroup_of << ".scope\n";
    std::ofstream(root_ / "k8s.io" / id / "init.pid") << pid;
  }

  void add(const std::string& id, int pid, const Bundle& bundle) const {
    config(id, bundle);
    process(id, pid, id);
  }

  void add(const std::string& id, int pid) const { add(id, pid, Bundle{}); }

  static std::vector<Json> facts(ContainerWatch& watch, bool initial = false) {
    std::vector<Json> out;
    watch.poll(initial, [&](const Json& fact) { out.push_back(fact); });
    return out;
  }

  static std::vector<std::string> poll(ContainerWatch& watch, bool initial = false) {
    std::vector<std::string> out;
    for (const Json& fact : facts(watch, initial)) {
      out.push_back((json_bool(fact, "initial") ? "initial " : "") + json_string(fact, "op") + " " +
                    json_string(fact, "id"));
    }
    return out;
  }

  TestFolder root_;
};

TEST_F(Containers, tells_starts_and_the_ends_of_real_processes) {
  Child there;
  add("aaa", there.pid());
  ContainerWatch watch(options());
  EXPECT_THAT(poll(watch, true), ElementsAre("initial started aaa"));
  Child later;
  config("bbb", Bundle{});
  EXPECT_THAT(poll(watch), IsEmpty()) << "there is no process yet";
  process("bbb", later.pid(), "bbb");
  EXPECT_THAT(poll(watch), ElementsAre("started bbb"));
  std::vector<pollfd> watched;
  watch.wait_on(watched);
  ASSERT_EQ(watched.size(), 3U) << "the directory and two processes";
  there.end();
  EXPECT_GT(::poll(watched.data(), watched.size(), 0), 0) << "an end wakes whoever waits";
  EXPECT_THAT(poll(watch), ElementsAre("exited aaa"));
  ASSERT_NE(watch.running("etcd"), nullptr);
  EXPECT_EQ(watch.running("etcd")->id, "bbb");
}

TEST_F(Containers, whose_task_no_ctr_can_kill_is_no_miss_that_is_tried_again) {
  if (!find_program("ctr").empty()) {
    GTEST_SKIP() << "ctr is on this machine";
  }
  Child there;
  add("aaa", there.pid());
  ContainerWatch watch(options());
  poll(watch, true);
  Disk disk(root_);
  Store store(disk.places());
  RecordState state = armed_record("h-1");
  state.record.data_dir = root_.string();
  ASSERT_TRUE(store.create(state));
  ASSERT_EQ(Firing(store, state, watch).fire({}), 0);
  EXPECT_EQ(store.load("h-1")->outcome(), "unsupported");
  EXPECT_THAT(json_string(store.load("h-1")->progress, "reason"), HasSubstr("use how=process"));
}

TEST_F(Containers, takes_only_the_static_pod_s_container_for_the_pod) {
  Child mesh;
  Child abroad;
  Child chart;
  Child own;
  ContainerWatch watch(options());
  EXPECT_THAT(poll(watch, true), IsEmpty());
  add("mesh", mesh.pid(), {.pod_name = "clustermesh-apiserver-5f7-x2b"});
  add("abroad", abroad.pid(), {.name_space = "default"});
  add("chart",
      chart.pid(),
      {.pod = "helm",
       .pod_name = "helm-install-lab-canal-7xk2p",
       .uid = "5d0a8c1e-52b4-4f8e-9f40-0c3e6a1b7d21"});
  auto seen = facts(watch);
  ASSERT_EQ(seen.size(), 3U);
  const auto marker = event::marker_from_json({{"container", "started"}, {"pod", "etcd"}}).value();
  for (const Json& fact : seen) {
    EXPECT_EQ(fact["static_pod"], false);
    EXPECT_FALSE(event::matches(marker, fact)) << fact;
  }
  EXPECT_EQ(watch.running("etcd"), nullptr);
  add("own", own.pid());
  seen = facts(watch);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["static_pod"], true);
  EXPECT_EQ(seen[0]["pod_name"], "etcd-cp-1");
  EXPECT_TRUE(event::matches(marker, seen[0]));
  ASSERT_NE(watch.running("etcd"), nullptr);
  EXPECT_EQ(watch.running("etcd")->pod_name, "etcd-cp-1");
}

TEST_F(Containers, leaves_a_process_alone_that_took_over_the_number) {
  Child other;
  config("aaa", Bundle{});
  process("aaa", other.pid(), "somebody-else");
  ContainerWatch watch(options());
  EXPECT_THAT(poll(watch, true), IsEmpty());
  EXPECT_EQ(watch.running("etcd"), nullptr);
}

TEST_F(Containers, compares_a_directory_that_was_made_anew) {
  Child first;
  add("aaa", first.pid());
  ContainerWatch watch(options());
  EXPECT_EQ(poll(watch, true).size(), 1U);
  fs::remove_all(root_ / "k8s.io");
  Child second;
  add("bbb", second.pid());
  EXPECT_THAT(poll(watch), ElementsAre("started bbb"));
  first.end();
  EXPECT_THAT(poll(watch), ElementsAre("exited aaa"));
}

TEST_F(Containers, finds_a_bundle_whose_making_was_lost) {
  LossyQueue queue;
  ContainerWatch::Options options = this->options();
  options.read = [&](int fd, void* into, std::size_t size) { return queue.read(fd, into, size); };
  fs::create_directories(root_ / "k8s.io");
  ContainerWatch watch(options);
  EXPECT_THAT(poll(watch, true), IsEmpty());
  Child child;
  add("aaa", child.pid());
  queue.overflow();
  EXPECT_THAT(poll(watch), ElementsAre("started aaa"));
}

TEST_F(Containers, says_once_that_the_kernel_gives_no_pidfd) {
  Child one;
  Child two;
  add("aaa", one.pid());
  ContainerWatch::Options options = this->options();
  options.open_pidfd = [](int) {
    errno = ENOSYS;
    return -1;
  };
  ContainerWatch watch(options);
  std::vector<Json> seen = facts(watch, true);
  add("bbb", two.pid());
  for (Json& fact : facts(watch)) {
    seen.push_back(std::move(fact));
  }
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["type"], "container-problem");
  EXPECT_THAT(json_string(seen[0], "line"), HasSubstr("Function not implemented"));
}

TEST_F(Containers, does_not_complain_about_a_process_that_is_gone) {
  Child child;
  add("aaa", child.pid());
  child.end();
  ContainerWatch watch(options());
  EXPECT_THAT(facts(watch, true), IsEmpty());
}

}  // namespace
}  // namespace harness::guard
