// A waiting trigger and a real journald on its bad days. The lines are those of a unit of ours that
// bears the agent's name: it says what its file says, at once, in an invocation of its own.

#include "faults/lab_fixture.h"
#include "harness/base/eventually.h"

namespace harness::fault {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kUnit = "rke2-agent.service";
constexpr const char* kUnitFile = "/run/systemd/system/rke2-agent.service";
constexpr const char* kLines = "/run/hookshot-lines";
constexpr const char* kStorage = "/run/systemd/journald.conf.d/hookshot.conf";

std::string logrus(const std::string& msg) {
  return "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + msg + "\"";
}

class JournalOnTheLab : public OnTheLab {
 protected:
  void SetUp() override {
    OnTheLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    allow();
    // The server's unit conflicts with the agent's name.
    run({"systemctl", "stop", "rke2-server"});
    heartbeat_ = std::make_unique<Heartbeat>(cluster_->nodes(), cluster_->name(), seconds(3));
  }

  void TearDown() override {
    heartbeat_.reset();
    if (cluster_ == nullptr) {
      return;
    }
    for (const std::string& id : armed_) {
      EXPECT_TRUE(node().guard("revert", {{"cluster", cluster_->name()}, {"id", id}}, soon()));
    }
    run({"rm", "-f", kUnitFile, kLines});
    run({"systemctl", "daemon-reload"});
    if (in_memory_) {
      run({"rm", kStorage});
      run({"systemctl", "restart", "systemd-journald"});
    }
    run({"systemctl", "start", "--no-block", "rke2-server"});
  }

  static Deadline soon() { return Deadline::after(seconds(30)); }

  static void run(std::vector<std::string> argv) {
    const std::string what = testing::PrintToString(argv);
    const auto done = node().run({.argv = std::move(argv)}, soon());
    ASSERT_TRUE(done) << what << ": " << done.error().message();
    EXPECT_EQ(done->exit_status, 0) << what << ": " << done->err;
  }

  static void unit_says(const std::vector<std::string>& lines, const std::string& more = "") {
    std::string text;
    for (const std::string& line : lines) {
      text += line + "\n";
    }
    put(node(), kLines, text);
    put(node(),
        kUnitFile,
        std::string("[Unit]\nDescription=Hookshot bad "
                    "days\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\n") +
            "SyslogIdentifier=rke2\nExecStart=/usr/bin/cat " + kLines + "\n" + more);
    run({"systemctl", "daemon-reload"});
    run({"systemctl", "start", kUnit});
  }

  std::string arm(const std::string& open, std::int64_t offset_us = 0) {
    const std::string id = "lab-" + std::to_string(wall_now_us());
    const Json record = {{"id", id},
                         {"run", "lab-test"},
                         {"case", "bad days"},
                         {"cluster", cluster_->name()},
                         {"unit", kUnit},
                         {"data_dir", node().data_dir()},
                         {"fault", "none"},
                         {"params", Json::object()},
                         {"action", {{"do", "none"}}},
                         {"undo", Json::array()},
                         {"trigger",
                          {{"window", "bad-days"},
                           {"open", {{{"log", open}}}},
                           {"close", {{{"log", "the window closes"}}}},
                           {"offset_us", offset_us},
                           {"any_invocation", false}}},
                         {"ttl_ms", 180'000},
                         {"lease_ms", 60'000}};
    const auto done = node().guard("arm", record, soon());
    EXPECT_TRUE(done) << done.error().message();
    armed_.push_back(id);
    return id;
  }

  static Json record_of(const std::string& id) {
    Json record;
    const auto lines = node().guard("status", {{"cluster", cluster_->name()}}, soon());
    for (const Json& line : lines.value()) {
      record = json_string(line, "id") == id ? line : record;
    }
    return record;
  }

  static Json expect_ended(const std::string& id, const std::string& outcome) {
    Json record;
    const Status ended = eventually("the trigger ends", soon(), milliseconds(50), [&] {
      record = record_of(id);
      return Result<Observation>(
          Observation{.done = !json_string(record, "outcome").empty(), .seen = record.dump()});
    });
    EXPECT_TRUE(ended) << ended.error().message();
    EXPECT_EQ(json_string(record, "outcome"), outcome) << record;
    EXPECT_FALSE(json_string(record, "invocation").empty());
    EXPECT_GT(json_int(record["opened"], "mono_us"), 0) << record;
    return record;
  }

  static void expect_applied(const std::string& id) { expect_ended(id, "applied"); }

  static void expect_waiting(const std::string& id) {
    EXPECT_EQ(json_string(record_of(id), "state"), "ARMED") << record_of(id);
  }

  std::unique_ptr<Heartbeat> heartbeat_;
  std::vector<std::string> armed_;
  // Only then is journald restarted: systemd refuses the sixth start in ten seconds.
  bool in_memory_ = false;
};

TEST_F(JournalOnTheLab, a_trigger_outlives_rotation_and_vacuum) {
  unit_says({logrus("before")});
  const std::string id = arm("the window opens");
  run({"journalctl", "--rotate"});
  run({"journalctl", "--vacuum-time=1s"});
  unit_says({logrus("nothing yet")});
  run({"journalctl", "--rotate", "--vacuum-files=1"});
  expect_waiting(id);
  unit_says({logrus("hello"), logrus("the window opens")});
  expect_applied(id);
}

TEST_F(JournalOnTheLab, a_service_that_starts_anew_inside_the_window_is_a_miss) {
  unit_says({logrus("before")});
  const std::string id = arm("the window opens", 20'000'000);
  unit_says({logrus("the window opens")});
  unit_says({logrus("the window opens")});
  EXPECT_THAT(json_string(expect_ended(id, "missed"), "reason"), HasSubstr("new invocation"));
}

TEST_F(JournalOnTheLab, a_window_of_no_length_is_hit_or_missed_and_says_which) {
  unit_says({logrus("before")});
  const std::string id = arm("the window opens");
  unit_says({logrus("the window opens"), logrus("the window closes")});
  const Status ended = eventually("the trigger ends", soon(), milliseconds(50), [&] {
    const Json record = record_of(id);
    return Result<Observation>(
        Observation{.done = !json_string(record, "outcome").empty(), .seen = record.dump()});
  });
  ASSERT_TRUE(ended) << ended.error().message();
  const Json record = record_of(id);
  if (json_string(record, "outcome") == "missed") {
    EXPECT_THAT(json_string(record, "reason"), HasSubstr("the window closed after"));
  } else {
    EXPECT_EQ(json_string(record, "outcome"), "applied") << record;
  }
}

TEST_F(JournalOnTheLab, a_trigger_reads_a_journal_in_memory) {
  run({"mkdir", "-p", "/run/systemd/journald.conf.d"});
  in_memory_ = true;
  put(node(), kStorage, "[Journal]\nStorage=volatile\n");
  run({"systemctl", "restart", "systemd-journald"});
  unit_says({logrus("before")});
  const std::string id = arm("the window opens");
  run({"journalctl", "--rotate"});
  unit_says({logrus("hello"), logrus("the window opens")});
  expect_applied(id);
}

TEST_F(JournalOnTheLab, only_the_unit_s_own_lines_open) {
  unit_says({logrus("before")});
  const std::string id = arm("the window opens");
  const std::string marker = logrus("the window opens");
  run({"logger", "-t", "rke2", marker});
  run({"systemd-run", "--wait", "--uid=nobody", "logger", "-t", "rke2", marker});
  run({"systemd-run", "--wait", "--unit=evil", "-p", "SyslogIdentifier=rke2", "echo", marker});
  unit_says({"something: " + marker, logrus("a\\nthe window opens")});
  expect_waiting(id);
  unit_says({marker});
  expect_applied(id);
}

TEST_F(JournalOnTheLab, a_line_of_three_thousand_characters_opens) {
  const std::string id = arm("the window * opens");
  unit_says({logrus("the window " + std::string(3'000, 'x') + " opens")});
  expect_applied(id);
}

TEST_F(JournalOnTheLab, lines_over_the_rate_limit_are_told_and_open_nothing) {
  const std::string limit = "LogRateLimitIntervalSec=2s\nLogRateLimitBurst=5\n";
  const std::string id = arm("the window opens");
  const auto stream = node().guard_stream(
      "watch",
      {{"cluster", cluster_->name()}, {"unit", kUnit}, {"data_dir", node().data_dir()}},
      soon());
  ASSERT_TRUE(stream) << stream.error().message();
  std::vector<std::string> flood(2'000, logrus("loud"));
  flood.push_back(logrus("the window opens"));
  unit_says(flood, limit);
  expect_waiting(id);
  // journald tells of it with the first line that it takes after the interval.
  std::string problem;
  int round = 0;
  const Status told = eventually("journald says so", soon(), milliseconds(500), [&] {
    unit_says({logrus("quiet " + std::to_string(++round))}, limit);
    for (int i = 0; i < 200 && problem.empty(); ++i) {
      const auto fact = (*stream)->next(Deadline::after(milliseconds(100)));
      if (!fact || !*fact) {
        break;
      }
      problem = json_string(**fact, "type") == "journal-problem" ? json_string(**fact, "line") : "";
    }
    return Result<Observation>(Observation{.done = !problem.empty(), .seen = "no problem told"});
  });
  ASSERT_TRUE(told) << told.error().message();
  EXPECT_THAT(problem, HasSubstr("Suppressed"));
  EXPECT_THAT(problem, HasSubstr(kUnit));
  expect_waiting(id);
}

}  // namespace
}  // namespace harness::fault
