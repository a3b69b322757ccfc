#include "harness/observe/window_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::observe {
namespace {

constexpr std::int64_t kNoon = 1'764'000'000'000'000;  // 2025-11-24T16:00:00Z

Json moment(const char* op, std::int64_t after_us, const char* window = "start-up-hooks") {
  return {{"type", "window"},
          {"node", "cp-1"},
          {"window", window},
          {"op", op},
          {"cut", false},
          {"invocation", "0123456789abcdef0123456789abcdef"},
          {"boot_id", "boot1"},
          {"wall_us", kNoon + after_us},
          {"mono_us", 5'000'000 + after_us},
          {"marker", "log \"rke2 is up and running\""}};
}

Json facts(const char* boot, std::int64_t offset_us = 0) {
  return {
      {"type", "node.facts"}, {"node", "cp-1"}, {"boot_id", boot}, {"clock_offset_us", offset_us}};
}

TEST(WindowLines, tell_the_length_at_the_closing_by_the_node_s_monotonic_clock) {
  WindowLines lines;
  const Json opened = lines.take(moment("opened", 0));
  EXPECT_EQ(text_of(opened),
            "2025-11-24T16:00:00.000000Z  cp-1     opened start-up-hooks                  01234567"
            "  log \"rke2 is up and running\"");
  EXPECT_FALSE(opened.contains("length_us"));
  EXPECT_FALSE(opened.contains("cut"));
  Json closing = moment("closed", 1'234'567);
  closing["wall_us"] = kNoon + 9'000'000;  // somebody set the clock
  const Json closed = lines.take(closing);
  EXPECT_EQ(closed["length_us"], 1'234'567);
  EXPECT_EQ(closed["cut"], false);
  EXPECT_EQ(text_of(closed),
            "2025-11-24T16:00:09.000000Z  cp-1     closed start-up-hooks          1.235s  01234567"
            "  log \"rke2 is up and running\"");
}

TEST(WindowLines, keep_the_spans_of_nodes_and_windows_apart) {
  WindowLines lines;
  Json other = moment("opened", 500);
  other["node"] = "cp-2";
  EXPECT_FALSE(lines.take(moment("opened", 0)).is_null());
  EXPECT_FALSE(lines.take(other).is_null());
  EXPECT_FALSE(lines.take(moment("opened", 100, "cluster-roles")).is_null());
  other = moment("closed", 1700);
  other["node"] = "cp-2";
  EXPECT_EQ(lines.take(other)["length_us"], 1200);
  EXPECT_EQ(lines.take(moment("closed", 900, "cluster-roles"))["length_us"], 800);
  EXPECT_EQ(lines.take(moment("closed", 2000))["length_us"], 2000);
  EXPECT_THAT(text_of(lines.take(moment("opened", 3000))), testing::HasSubstr("opened"))
      << "a window may open again";
}

TEST(WindowLines, tell_a_span_that_the_next_boot_cut_by_the_wall_clock) {
  WindowLines lines;
  lines.take(moment("opened", 0));
  Json cut = moment("closed", 4'000'000);
  cut["cut"] = true;
  cut["mono_us"] = 70'000;
  cut["marker"] = "the invocation ended";
  const Json shown = lines.take(cut);
  EXPECT_EQ(shown["length_us"], 4'000'000);
  EXPECT_THAT(text_of(shown), testing::HasSubstr("cp-1     cut    start-up-hooks"));
  EXPECT_THAT(text_of(shown), testing::EndsWith("the invocation ended"));
}

TEST(WindowLines, say_nothing_of_a_closing_whose_opening_was_not_seen) {
  WindowLines lines;
  EXPECT_EQ(lines.take(moment("closed", 10)), Json());
}

TEST(WindowLines, list_what_is_open_with_its_age_on_the_node_s_clock) {
  WindowLines lines;
  EXPECT_EQ(lines.open(kNoon), "");
  lines.take(facts("boot1", 2'000'000));
  lines.take(moment("opened", 0));
  lines.take(moment("opened", 1'000'000, "cluster-roles"));
  EXPECT_EQ(lines.open(kNoon), "cp-1 cluster-roles 1.0s, cp-1 start-up-hooks 2.0s");
  EXPECT_EQ(lines.open(kNoon - 5'000'000), "cp-1 cluster-roles 0.0s, cp-1 start-up-hooks 0.0s");
  lines.take(moment("closed", 1'500'000, "cluster-roles"));
  lines.take(moment("closed", 1'500'000));
  EXPECT_EQ(lines.open(kNoon), "");
}

TEST(WindowLines, say_what_a_node_could_not_see_and_that_it_booted) {
  WindowLines lines;
  EXPECT_EQ(lines.take(facts("boot1")), Json());
  EXPECT_EQ(lines.take(facts("boot1")), Json()) << "a connection that came back is no boot";
  EXPECT_THAT(text_of(lines.take(facts("boot2"))), testing::HasSubstr("cp-1: has booted"));
  const Json problem = lines.take(
      {{"type", "container-problem"}, {"node", "cp-1"}, {"line", "pidfd_open: not there"}});
  EXPECT_EQ(text_of(problem), "cp-1: container-problem: pidfd_open: not there");
  EXPECT_EQ(lines.take({{"type", "clock"}, {"node", "cp-1"}}), Json());
}

TEST(WindowLines, say_when_a_node_starts_a_build_whose_windows_are_not_those_shown) {
  WindowLines lines;
  lines.watching("cp-1", "v1.30.12+rke2r1");
  Json line{{"type", "journal"},
            {"node", "cp-1"},
            {"ident", "rke2"},
            {"line", "level=info msg=\"Starting rke2 v1.30.12+rke2r1 (f885aec1)\""}};
  EXPECT_EQ(lines.take(line), Json());
  line["line"] = "level=info msg=\"Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c)\"";
  const Json shown = lines.take(line);
  EXPECT_EQ(shown["starts"], "v1.30.13-rc2+rke2r1");
  EXPECT_EQ(text_of(shown),
            "cp-1: starts v1.30.13-rc2+rke2r1; the windows shown are those of v1.30.12+rke2r1, "
            "--of takes another");
  line["ident"] = "systemd";
  EXPECT_EQ(lines.take(line), Json());
}

}  // namespace
}  // namespace harness::observe
