// The guard is killed at each of its steps, and what comes after it leaves nothing.
#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/trigger.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

enum class Step { write, question };

// Who comes after the guard that was killed.
enum class Next { heal, timer_or_heal, boot };

// A freeze of rke2's main process from arming to its end, killed at its nth step: a write of a
// record, or a question to systemd.
class Cut : public testing::TestWithParam<Next> {
 protected:
  static constexpr int kMostSteps = 80;

  static Json wanted() {
    RecordState state = armed_record("h-1");
    state.record.fault = "freeze-service";
    state.record.data_dir = "/var/lib/rancher/rke2";
    state.record.unit = "rke2-server.service";
    state.record.action = {Action::Kind::service, {}, "freeze", std::chrono::milliseconds(100)};
    state.record.trigger = {.now = true};
    state.record.lease = std::chrono::milliseconds(100);
    return to_json(state.record);
  }

  // True when it came to its end.
  bool begin(Step step, int nth, const TestFolder& folder, Disk& disk) {
    const int pid = fork();
    if (pid == 0) {
      int done = 0;
      Places places = disk.places();
      places.write = [&](const std::string& path, std::string_view content, Sync sync) {
        Status written = write_whole(path, content, sync);
        if (++done == nth && step == Step::write) {
          kill(getpid(), SIGKILL);
        }
        return written;
      };
      if (step == Step::question) {
        std::ofstream(folder / "cut") << nth;
      }
      Store store(places);
      const int out = open("/dev/null", O_WRONLY);
      dup2(out, STDOUT_FILENO);
      const Status armed = verb_arm(store, wanted());
      const int fired = armed ? run_trigger(store, "h-1") : 1;
      const Status back = verb_revert(store, {{"cluster", "lab"}, {"id", "h-1"}});
      _exit(armed && fired == 0 && back ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return !WIFSIGNALED(status);
  }

  void finish(Store& store, FakeSystemd& systemd, Disk& disk) {
    switch (GetParam()) {
      case Next::timer_or_heal:
        if (systemd.has("hookshot-rv-h-1.timer")) {
          EXPECT_EQ(run_expire(store, "h-1"), 0);
          return;
        }
        [[fallthrough]];
      case Next::heal: {
        const Said said = said_by([&] { return verb_heal(store, {{"cluster", "lab"}}); });
        EXPECT_TRUE(said.status);
        for (const Json& line : said.lines) {
          EXPECT_EQ(json_string(line, "state"), "VERIFIED") << line;
        }
        return;
      }
      case Next::boot:
        for (const std::string& unit : systemd.units()) {
          systemd.remove(unit);
        }
        disk.reboot();
        EXPECT_EQ(run_boot(store), 0);
    }
  }
};

TEST_P(Cut, at_any_step_leaves_nothing_behind_what_comes_next) {
  for (const Step step : {Step::write, Step::question}) {
    if (step == Step::question && GetParam() != Next::timer_or_heal) {
      continue;  // each is a second process
    }
    int nth = 0;
    for (bool whole = false; !whole;) {
      SCOPED_TRACE(std::to_string(++nth) + (step == Step::write ? "th write" : "th question"));
      ASSERT_LT(nth, kMostSteps);
      const TestFolder folder;
      const FakeTools tools(folder.path());
      FakeSystemd systemd(
          folder,
          tools,
          "n=$(cat " + (folder / "cut").string() + " 2>/dev/null) && [ $(grep -c ^system " +
              (folder / "tools" / "asked").string() + ") -eq \"$n\" ] && kill -9 $PPID");
      Disk disk(folder);
      std::filesystem::create_directories(disk.places().units);
      Children children;
      const Process victim = children.start_one();
      systemd.main_pid(victim.pid);
      whole = begin(step, nth, folder, disk);
      std::filesystem::remove(folder / "cut");
      Store store(disk.places());
      finish(store, systemd, disk);
      EXPECT_TRUE(store.armed_ids().empty());
      EXPECT_THAT(systemd.units(), testing::IsEmpty());
      EXPECT_FALSE(store.quarantined());
      EXPECT_NE(state_of(victim), 'T');
    }
    EXPECT_GT(nth, 6) << "it has more steps than that";
  }
}

// The boot unit comes once in a boot, and the timers of the boot before are gone.
TEST(CutBoot, in_the_undo_of_the_first_record_leaves_every_record_a_timer_that_takes_it_up) {
  const TestFolder folder;
  const FakeTools tools(folder.path());
  FakeSystemd systemd(folder,
                      tools,
                      "case \"$0 $*\" in *'stop hookshot-trig-'*) [ -e " +
                          (folder / "cut").string() + " ] && kill -9 $PPID;; esac");
  Disk disk(folder);
  Store store(disk.places());
  for (const char* id : {"h-1", "h-2"}) {
    RecordState state = armed_record(id);
    state.progress["state"] = "APPLIED";
    ASSERT_TRUE(store.create(state));
  }
  std::ofstream(folder / "cut") << "x";
  const int pid = fork();
  if (pid == 0) {
    _exit(run_boot(store));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  std::filesystem::remove(folder / "cut");
  EXPECT_EQ(store.armed().size(), 2U);
  for (const std::string id : {"h-1", "h-2"}) {
    EXPECT_TRUE(systemd.has("hookshot-rv-" + id + ".timer")) << id;
    EXPECT_EQ(run_expire(store, id), 0);
  }
  EXPECT_THAT(tools.asked(), testing::HasSubstr("--on-active=30000ms --on-unit-inactive=30s"));
  EXPECT_TRUE(store.armed_ids().empty());
  EXPECT_THAT(systemd.units(), testing::IsEmpty()) << "it goes with what is taken back";
}

INSTANTIATE_TEST_SUITE_P(
    Nexts, Cut, testing::Values(Next::heal, Next::timer_or_heal, Next::boot), [](const auto& one) {
      return one.param == Next::heal ? "heal" : one.param == Next::timer_or_heal ? "timer" : "boot";
    });

}  // namespace
}  // namespace harness::guard
