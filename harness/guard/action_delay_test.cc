// A manifest that kubelet sees late. With the kernel of this machine: programs called rke2 and
// kubelet, copies of its shell and of cat, open files of a folder of the test's own.
#include "harness/guard/action_delay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include "harness/exec/unique_fd.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/held_opens.h"
#include "harness/guard/resource_fixture.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kManifest = "kind: Pod\nmetadata:\n  uid: 0123abcd\nspec: {}\n";
constexpr milliseconds kHold{300};

bool never() {
  return false;
}

class DelayTest : public ResourceTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(manifests());
    for (const char* pod : {"etcd", "kube-scheduler"}) {
      std::ofstream(manifest(pod)) << kManifest;
    }
    if (const Status can = check_held_opens(manifests().string()); !can) {
      GTEST_SKIP() << can.error().message();
    }
    std::filesystem::copy_file("/bin/sh", folder_ / "rke2");
    std::filesystem::copy_file("/bin/cat", folder_ / "kubelet");
  }

  std::filesystem::path manifests() const { return folder_ / "agent/pod-manifests"; }

  std::string manifest(const std::string& pod) const {
    return (manifests() / (pod + ".yaml")).string();
  }

  // A program of the test's own, ended with it.
  class Program {
   public:
    explicit Program(const std::vector<std::string>& argv)
        : null_(open("/dev/null", O_RDWR | O_CLOEXEC)),
          pid_(start(argv, null_.get(), null_.get(), null_.get())),
          pidfd_(pidfd_open(pid_)) {}

    ~Program() {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }

    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    bool ends(milliseconds limit) const { return pidfd_wait(pidfd_.get(), limit); }

   private:
    exec::UniqueFd null_;
    int pid_;
    exec::UniqueFd pidfd_;
  };

  // rke2 that runs this; $kubelet is its kubelet, $etcd a manifest.
  std::vector<std::string> rke2(const std::string& script) const {
    return {(folder_ / "rke2").string(),
            "-c",
            fmt::format("kubelet={}; etcd={}; scheduler={}; {}; exit 0",
                        (folder_ / "kubelet").string(),
                        manifest("etcd"),
                        manifest("kube-scheduler"),
                        script)};
  }

  HeldOpens::Options options(milliseconds hold = kHold) const {
    return {.directory = manifests().string(),
            .file = "etcd.yaml",
            .hold = hold,
            .is_for = is_kubelet_of_rke2};
  }

  ArmRecord& delays() {
    ArmRecord& out = asks(Action::Kind::delay, {});
    out.action.pod = "etcd";
    out.action.hold = kHold;
    return out;
  }
};

TEST_F(DelayTest, holds_back_kubelet_and_nobody_else) {
  auto opens = HeldOpens::begin(options(seconds(60)));
  ASSERT_TRUE(opens) << opens.error().message();
  const Program late(rke2("$kubelet $etcd"));
  const auto first = (*opens)->first(never);
  ASSERT_TRUE(first);
  EXPECT_EQ(program_of(first->opener.pid), "kubelet");
  EXPECT_EQ(first->content, kManifest);
  EXPECT_TRUE(Program(rke2("$kubelet $scheduler")).ends(seconds(10))) << "another manifest";
  EXPECT_TRUE(Program(rke2("while read line; do :; done < $etcd")).ends(seconds(10)))
      << "rke2 itself";
  EXPECT_TRUE(Program({(folder_ / "kubelet").string(), manifest("etcd")}).ends(seconds(10)))
      << "a kubelet that is not of rke2";
  EXPECT_EQ(read_whole(manifest("etcd")).value_or(""), kManifest) << "the guard itself";
  EXPECT_GE((*opens)->let_through(), 4);
  EXPECT_FALSE(late.ends(milliseconds(0)));
  (*opens)->end();
  EXPECT_TRUE(late.ends(seconds(10)));
  ASSERT_EQ((*opens)->waits().size(), 1U);
  EXPECT_FALSE((*opens)->waits().front().ended);
}

TEST_F(DelayTest, lets_go_by_itself_when_its_time_is_over) {
  auto opens = HeldOpens::begin(options());
  ASSERT_TRUE(opens) << opens.error().message();
  const Program late(rke2("$kubelet $etcd; $kubelet $etcd"));
  ASSERT_TRUE((*opens)->first(never));
  EXPECT_TRUE(late.ends(seconds(10)));
  const auto waits = (*opens)->waits();
  ASSERT_EQ(waits.size(), 1U) << "what comes afterwards is not asked for";
  const std::int64_t lasted_us = waits[0].to.mono_us - (*opens)->began().mono_us;
  EXPECT_GE(lasted_us, kHold.count() * 1000);
  EXPECT_LT(lasted_us, 10'000'000);
}

TEST_F(DelayTest, goes_on_when_a_kubelet_that_waits_is_killed_and_holds_the_next_one) {
  auto opens = HeldOpens::begin(options(seconds(60)));
  ASSERT_TRUE(opens) << opens.error().message();
  const Program late(rke2("$kubelet $etcd; $kubelet $etcd"));
  const auto first = (*opens)->first(never);
  ASSERT_TRUE(first);
  ASSERT_TRUE(signal_to(first->opener, SIGKILL));
  const Deadline deadline = Deadline::after(seconds(10));
  while ((*opens)->waits().size() < 2 && !deadline.passed()) {
    EXPECT_FALSE(late.ends(milliseconds(5)));
  }
  ASSERT_EQ((*opens)->waits().size(), 2U);
  EXPECT_FALSE(late.ends(milliseconds(0)));
  (*opens)->end();
  EXPECT_TRUE(late.ends(seconds(10)));
  const auto waits = (*opens)->waits();
  EXPECT_TRUE(waits[0].ended);
  EXPECT_FALSE(waits[1].ended);
}

TEST_F(DelayTest, is_over_when_its_holder_is_killed) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const int holder = fork();
  if (holder == 0) {
    auto opens = HeldOpens::begin(options(std::chrono::minutes(10)));
    if (opens && write(ready[1], "m", 1) == 1 && (*opens)->first(never) &&
        write(ready[1], "h", 1) == 1) {
      pause();
    }
    _exit(1);
  }
  close(ready[1]);
  char word = 0;
  ASSERT_EQ(read(ready[0], &word, 1), 1);
  const Program late(rke2("$kubelet $etcd"));
  ASSERT_EQ(read(ready[0], &word, 1), 1);
  EXPECT_EQ(word, 'h');
  EXPECT_FALSE(late.ends(milliseconds(50)));
  const Json held = {{"kind", "delayed"},
                     {"boot_id", boot_id()},
                     {"path", manifest("etcd")},
                     {"holder", {{"pid", holder}, {"start_ticks", start_ticks(holder)}}},
                     {"waits", {{{"pid", 7}, {"start_ticks", 9}, {"from_us", 1}}}}};
  const auto too_early = release(held, means_);
  ASSERT_FALSE(too_early);
  EXPECT_THAT(too_early.error().message(), HasSubstr(fmt::format("kill -KILL {}", holder)));
  kill(holder, SIGKILL);
  EXPECT_TRUE(late.ends(seconds(10)));
  waitpid(holder, nullptr, 0);
  close(ready[0]);
  for (int twice = 0; twice < 2; ++twice) {
    const auto released = release(held, means_);
    ASSERT_TRUE(released) << released.error().message();
    EXPECT_THAT(*released, HasSubstr("kubelet (process 7) was let through with the end of"));
  }
}

TEST_F(DelayTest, is_proved_by_the_open_that_waits_and_tells_how_long_it_did) {
  const Program late(rke2("while $kubelet $etcd; do :; done"));
  auto struck = delay_manifest(delays(), means_, never, is_kubelet_of_rke2);
  ASSERT_TRUE(struck) << struck.error().message();
  const Json& evidence = struck->deed.evidence;
  EXPECT_EQ(evidence["stretched"], true);
  EXPECT_EQ(evidence["pod_uid"], "0123abcd");
  EXPECT_EQ(evidence["path"], manifest("etcd"));
  EXPECT_GE(struck->deed.effect.mono_us, struck->deed.begun.mono_us);
  EXPECT_GE(json_int(evidence["held_since"], "mono_us"), struck->deed.effect.mono_us);
  const Process kubelet{evidence["pid"], evidence["start_ticks"]};
  EXPECT_NE(state_of(kubelet), '-') << "it waits";
  EXPECT_THAT(json_string(evidence, "summary"), HasSubstr("held back in its open of"));
  EXPECT_EQ(held_["waits"][0]["pid"], kubelet.pid) << "also when it is taken back early";
  EXPECT_FALSE(release(held_, means_)) << "not while it is in force";
  EXPECT_EQ(struck->standing->step(0), INT64_MAX);
  const std::int64_t over = struck->deed.effect.mono_us + kHold.count() * 1000;
  while (now().mono_us < over) {
    static_cast<void>(::poll(nullptr, 0, 5));
  }
  struck->standing->over();
  const auto released = release(held_, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, HasSubstr(fmt::format("kubelet (process {}) waited 0.", kubelet.pid)));
  EXPECT_TRUE(release(held_, means_));
}

TEST_F(DelayTest, is_a_miss_without_an_open_of_kubelet) {
  int asked = 0;
  const auto struck = delay_manifest(
      delays(), means_, [&asked] { return ++asked > 2; }, is_kubelet_of_rke2);
  ASSERT_FALSE(struck);
  EXPECT_EQ(struck.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(struck.error().message(), HasSubstr("did not open " + manifest("etcd")));
  EXPECT_THAT(struck.error().message(), HasSubstr("until the controller's lease ran out"));
  const auto released = release(held_, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, Not(HasSubstr("waited")));
}

TEST_F(DelayTest, is_a_miss_when_its_time_is_over_without_one) {
  const auto struck = delay_manifest(delays(), means_, never, is_kubelet_of_rke2);
  ASSERT_FALSE(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("did not open " + manifest("etcd") + " in 0.3"));
}

TEST_F(DelayTest, does_nothing_that_it_cannot_note) {
  note_ = fail(ErrorCode::remote_failed, "no space");
  EXPECT_FALSE(delay_manifest(delays(), means_, never, is_kubelet_of_rke2));
  EXPECT_TRUE(Program(rke2("$kubelet $etcd")).ends(seconds(10)));
}

TEST_F(DelayTest, is_refused_where_the_kernel_asks_nobody) {
  EXPECT_TRUE(check_means(delays(), means_));
  const Status no = check_held_opens("/proc/self");
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(no.error().message(), HasSubstr("CONFIG_FANOTIFY_ACCESS_PERMISSIONS"));
  std::filesystem::remove_all(manifests());
  EXPECT_TRUE(check_means(delays(), means_)) << "RKE2 makes the folder later";
  const auto struck = delay_manifest(delays(), means_, never, is_kubelet_of_rke2);
  ASSERT_FALSE(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("No such file"));
}

TEST(Delayed, refuses_a_record_that_names_nobody) {
  const Json damaged = {{"kind", "delayed"}, {"boot_id", boot_id()}, {"path", "/x"}};
  EXPECT_FALSE(release(damaged, means_of()));
  Json earlier = damaged;
  earlier["boot_id"] = "another";
  EXPECT_THAT(release(earlier, means_of()).value_or(""), HasSubstr("taken back by the reboot"));
}

TEST(Delayed, reads_the_uid_as_rke2_writes_it) {
  EXPECT_EQ(uid_of(kManifest), "0123abcd");
  EXPECT_EQ(uid_of("kind: Pod\nmetadata:\n  uid: 0123abcd"), "0123abcd");
  EXPECT_EQ(uid_of("kind: Pod\nmetadata:\n  uid: \"0123abcd\"\nspec: {}\n"), "0123abcd");
  EXPECT_EQ(uid_of("kind: Pod\n"), "");
}

}  // namespace
}  // namespace harness::guard
