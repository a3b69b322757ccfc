#include "harness/run/progress.h"

#include <condition_variable>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/terminal_text.h"

namespace harness::run {
namespace {

using testing::HasSubstr;
using testing::Not;

// What was written, from whichever thread.
class Written {
 public:
  Progress::Screen screen(int columns = 200, bool color = false) {
    return {.write =
                [this](std::string_view text) {
                  const std::lock_guard lock(mutex_);
                  text_ += text;
                  ++times_;
                  changed_.notify_all();
                },
            .columns = [columns] { return columns; },
            .color = color,
            .redraw = std::chrono::hours(1)};
  }

  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

  std::string status() {
    const std::string all = text();
    return all.substr(all.rfind("\r\033[K") + 4);
  }

  bool wait_for_writes(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return times_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int times_ = 0;
};

Json probe(const std::string& outcome) {
  return {{"type", "probe"}, {"node", "cp-1"}, {"probe", "readyz"}, {"outcome", outcome}};
}

TEST(Progress, shows_step_window_probes_and_time_left_on_one_line) {
  Written out;
  Progress progress(out.screen(), Progress::Style::live);
  progress.see({{"type", "run.started"}, {"trials", 3}, {"time_limit_us", 3'600'000'000}});
  progress.see({{"type", "trial.started"}, {"case", "s/c"}, {"trial", 1}});
  progress.see({{"type", "trial.finished"}, {"reason", "etcd killed"}});
  progress.see({{"type", "step.started"}, {"step", "restart"}, {"node", "cp-1"}});
  progress.see({{"type", "window"}, {"op", "opened"}, {"node", "cp-1"}, {"window", "readyz"}});
  progress.see(probe("ok"));
  EXPECT_EQ(
      out.status(),
      "  0:00 restart cp-1 0s | about 0s left | limit in 60m | cp-1 in readyz | 1/1 probes ok");
  progress.see({{"type", "window"}, {"op", "closed"}, {"node", "cp-1"}, {"window", "readyz"}});
  progress.see(probe("not_ok"));
  EXPECT_THAT(out.status(), HasSubstr("0/1 probes ok | cp-1 readyz not_ok"));
  EXPECT_THAT(out.status(), Not(HasSubstr("cp-1 in readyz")));
}

TEST(Progress, redraws_by_itself_while_nothing_happens) {
  Written out;
  Progress::Screen screen = out.screen();
  screen.redraw = std::chrono::milliseconds(1);
  const Progress progress(screen, Progress::Style::live);
  EXPECT_TRUE(out.wait_for_writes(3)) << out.text();
}

TEST(Progress, takes_the_status_away_before_a_line_and_at_the_end) {
  Written out;
  {
    Progress progress(out.screen(), Progress::Style::live);
    progress.see({{"type", "step.started"}, {"step", "heal"}});
    progress.line("healed");
  }
  EXPECT_THAT(out.text(), HasSubstr("heal  0s\r\033[K  0:00 healed\n\r\033[K"));
  EXPECT_TRUE(out.text().ends_with("\r\033[K"));
}

TEST(Progress, writes_plain_lines_elsewhere_and_nothing_when_silent) {
  Written plain;
  Written silent;
  for (auto& [out, style] : {std::pair<Written&, Progress::Style>{plain, Progress::Style::plain},
                             {silent, Progress::Style::silent}}) {
    Progress progress(out.screen(200, true), style);
    progress.see({{"type", "step.started"}, {"step", "heal"}, {"node", "cp-1"}});
    progress.see(probe("not_ok"));
    progress.see({{"type", "step.finished"},
                  {"step", "heal"},
                  {"node", "cp-1"},
                  {"duration_us", 1'500'000},
                  {"error", "\033[31mno\033[0m way\r"}});
    progress.see({{"type", "fault"},
                  {"fault", "kill-pod"},
                  {"node", "cp-1"},
                  {"state", "APPLIED"},
                  {"evidence", {{"summary", "etcd killed"}}}});
  }
  EXPECT_THAT(plain.text(), HasSubstr("1.5 s  no way\n"));
  EXPECT_THAT(plain.text(), HasSubstr("  kill-pod on cp-1: APPLIED etcd killed\n"));
  EXPECT_THAT(plain.text(), Not(HasSubstr("\033")));
  EXPECT_THAT(plain.text(), Not(HasSubstr("\r")));
  EXPECT_EQ(silent.text(), "");
}

TEST(Progress, colours_what_is_sick_unless_told_not_to) {
  for (const bool color : {true, false}) {
    Written out;
    Progress progress(out.screen(200, color), Progress::Style::live);
    progress.see(probe("ok"));
    EXPECT_THAT(out.text(), Not(HasSubstr("\033[31m")));
    progress.see(probe("timeout"));
    EXPECT_EQ(out.text().find("\033[31m") != std::string::npos, color);
  }
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(Progress::screen(stdout).color);
  setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(Progress::screen(stdout).color) << "empty is not set, as no-color.org has it";
  unsetenv("NO_COLOR");
}

TEST(Progress, is_live_only_on_a_terminal_that_can) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(Progress::detect(file), Progress::Style::plain);
  std::fclose(file);
}

TEST(Progress, keeps_the_status_within_the_terminal) {
  Written out;
  Progress progress(out.screen(30), Progress::Style::live);
  progress.see({{"type", "step.started"},
                {"step",
                 "etcd\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\xE6"
                 "\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5\xE6\x9C\xAC\n"}});
  EXPECT_EQ(columns_of(out.status()), 28) << "no half of a wide character: " << out.status();
  EXPECT_TRUE(out.status().ends_with("\xE2\x80\xA6")) << out.status();
}

TEST(TerminalText, drops_what_would_act_on_the_terminal) {
  EXPECT_EQ(printable("a\033[1;31mb\033]0;title\ac\033]8;;x\033\\d\033Me\x07\x7F"), "abcde");
  EXPECT_EQ(printable("one\r\ntwo\tthree"), "one\ntwo three");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31mx"),
            "31mx")
      << "an eight-bit CSI";
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "abc"),
            "abc")
      << "right-to-left override";
  EXPECT_EQ(printable("a\xFFz\xE6\x97"), "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("cut \033[3"), "cut ");
}

TEST(TerminalText, counts_columns_and_not_bytes) {
  EXPECT_EQ(columns_of("abc"), 3);
  EXPECT_EQ(columns_of("gr\xC3\xBC\xC3\x9F"), 4);
  EXPECT_EQ(columns_of("e\xCC\x81"), 1);
  EXPECT_EQ(columns_of("\xE6\x97\xA5\xF0\x9F\x94\xA5"), 4);
  EXPECT_EQ(fit("abcdef", 6), "abcdef");
  EXPECT_EQ(fit("abcdef", 4), "abc\xE2\x80\xA6");
  EXPECT_EQ(fit("\xE6\x97\xA5\xE6\x9C\xAC\xE6\x97\xA5", 4), "\xE6\x97\xA5\xE2\x80\xA6");
  EXPECT_EQ(fit("abc", 0), "");
}

}  // namespace
}  // namespace harness::run
