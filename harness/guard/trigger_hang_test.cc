// A trigger that lives and does nothing more, and one that cannot ask for the undo: systemd, which
// the test plays, then has what it takes to bring the undo in time.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

enum class Stuck { while_it_is_done, before_it_is_written, after_it_is_written };

std::string name_of(Stuck stuck) {
  return stuck == Stuck::while_it_is_done       ? "while_it_is_done"
         : stuck == Stuck::before_it_is_written ? "before_it_is_written"
                                                : "after_it_is_written";
}

// Of a hold of a minute, from the moment that it begins to be done.
constexpr const char* kStriking = "WATCHDOG_USEC=195000000";

class Hang : public testing::TestWithParam<Stuck>, public NodeInFolder {
 protected:
  Hang() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const std::string path = (folder_ / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    systemd_.add("hookshot-rv-h-1.timer");
    systemd_.main_pid(victim_.pid);
    EXPECT_TRUE(beat(disk_.places().run));
  }

  ~Hang() override {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
  }

  void arm(Action action, milliseconds lease) {
    RecordState state = armed_record("h-1");
    state.record.fault = "freeze-service";
    state.record.action = std::move(action);
    state.record.trigger = {.now = true};
    state.record.ttl = seconds(600);
    state.record.lease = lease;
    ASSERT_TRUE(store_.create(state));
  }

  // What systemd was told until now.
  std::vector<std::string> told() const {
    std::vector<std::string> out;
    std::string text(256, '\0');
    for (ssize_t got = 0; (got = recv(fd_, text.data(), text.size(), 0)) > 0;) {
      out.push_back(text.substr(0, static_cast<std::size_t>(got)));
    }
    return out;
  }

  // The trigger in a process of its own, which stops as it writes what it is about to do, or that
  // it is done.
  int start_and_hang(Stuck stuck) const {
    const int pid = fork();
    if (pid != 0) {
      int status = 0;
      EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
      EXPECT_TRUE(WIFSTOPPED(status));
      return pid;
    }
    const rlimit no_core{};
    setrlimit(RLIMIT_CORE, &no_core);
    Places places = disk_.places();
    places.write = [stuck](const std::string& path, std::string_view content, Sync sync) {
      const bool here = content.find("APPLIED") != std::string_view::npos;
      const bool struck = content.find("APPLYING") != std::string_view::npos &&
                          content.find("\"held\"") != std::string_view::npos;
      if (here && stuck == Stuck::before_it_is_written) {
        raise(SIGSTOP);
      }
      Status written = write_whole(path, content, sync);
      if (here || (struck && stuck == Stuck::while_it_is_done)) {
        raise(SIGSTOP);
      }
      return written;
    };
    Store store(places);
    _exit(run_trigger(store, "h-1"));
  }

  Children children_;
  Process victim_ = children_.start_one();
  int fd_ = -1;
};

TEST_P(Hang, over_what_it_did_is_ended_by_systemd_within_half_a_minute_of_the_faults_time) {
  arm({Action::Kind::service, {}, "freeze", seconds(60)}, seconds(600));
  const int pid = start_and_hang(GetParam());
  if (GetParam() == Stuck::while_it_is_done) {
    EXPECT_EQ(store_.load("h-1")->state(), "APPLYING");
    EXPECT_THAT(told(), ElementsAre("READY=1", kStriking));
  } else {
    EXPECT_EQ(state_of(victim_), 'T');
    EXPECT_THAT(told(), ElementsAre("READY=1", kStriking, "WATCHDOG_USEC=75000000"));
  }
  EXPECT_LT(kHangsAfter + kTriggerDies, seconds(30)) << "the rest is for the undo";
  // As systemd does then, and OnFailure after it.
  kill(pid, SIGABRT);
  kill(pid, SIGCONT);
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT) << "it did not end by itself";
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_NE(state_of(victim_), 'T');
  const auto done = store_.load("h-1");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state(), "VERIFIED");
  EXPECT_FALSE(systemd_.has("hookshot-rv-h-1.timer"));
}

INSTANTIATE_TEST_SUITE_P(Moments,
                         Hang,
                         testing::Values(Stuck::while_it_is_done,
                                         Stuck::before_it_is_written,
                                         Stuck::after_it_is_written),
                         [](const auto& one) { return name_of(one.param); });

class TriggerEnd : public Hang {};

TEST_F(TriggerEnd, that_leaves_nothing_to_take_back_has_no_such_end) {
  arm({Action::Kind::none, {}, {}}, milliseconds(100));
  EXPECT_EQ(fire_apart(store_, "h-1"), 0);
  EXPECT_THAT(told(), ElementsAre("READY=1"));
}

TEST_F(TriggerEnd, of_what_was_not_proved_and_is_taken_back_is_no_sooner_than_its_time) {
  // Its process lives on, which is no proof.
  arm({Action::Kind::service, {}, "stop", seconds(60)}, milliseconds(100));
  EXPECT_EQ(fire_apart(store_, "h-1"), 0);
  EXPECT_EQ(store_.load("h-1")->outcome(), "missed");
  EXPECT_THAT(told(), ElementsAre("READY=1", kStriking, "WATCHDOG_USEC=600000000"));
}

TEST_F(TriggerEnd, of_what_was_neither_proved_nor_taken_back_comes_at_once_with_its_undo) {
  systemd_.refuse_start();
  arm({Action::Kind::service, {}, "stop", seconds(60)}, seconds(600));
  const int pid = fork();
  if (pid == 0) {
    alarm(20);  // else it stays for as long as the lease
    _exit(run_trigger(store_, "h-1"));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "it stayed";
  EXPECT_EQ(WEXITSTATUS(status), 1) << "nobody took its word, so that OnFailure has to";
  EXPECT_THAT(tools_.asked(),
              testing::HasSubstr("systemctl start --no-block hookshot-rv-h-1.service"));
  const auto missed = store_.load("h-1");
  EXPECT_EQ(missed->outcome(), "missed");
  EXPECT_THAT(json_string(missed->progress, "reason"), testing::HasSubstr("start rke2-server"));
  systemd_.allow_start();
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_TRUE(systemd_.has("rke2-server.service"));
  EXPECT_EQ(store_.load("h-1")->state(), "VERIFIED");
}

TEST_F(TriggerEnd, that_cannot_ask_for_the_undo_fails_so_that_it_comes_all_the_same) {
  systemd_.refuse_start();
  arm({Action::Kind::service, {}, "freeze", milliseconds(100)}, seconds(600));
  EXPECT_EQ(fire_apart(store_, "h-1"), 1);
  EXPECT_EQ(store_.load("h-1")->state(), "APPLIED");
  systemd_.allow_start();
  EXPECT_EQ(run_expire(store_, "h-1"), 0);
  EXPECT_NE(state_of(victim_), 'T');
}

TEST(TriggerUnit, dies_soon_after_its_end_was_asked_for_and_leaves_no_core) {
  const auto command = trigger_command(armed_record("h-1").record);
  EXPECT_THAT(command, testing::Contains("--property=TimeoutStopSec=10s"));
  EXPECT_THAT(command, testing::Contains("--property=LimitCORE=0"));
}

}  // namespace
}  // namespace harness::guard
