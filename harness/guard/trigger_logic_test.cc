#include "harness/guard/trigger_logic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::guard {
namespace {

using Verdict = TriggerLogic::Verdict;

Json journal(const std::string& msg, const std::string& invocation, std::int64_t at) {
  return {{"type", "journal"},
          {"ident", "rke2"},
          {"line", "level=info msg=\"" + msg + "\""},
          {"invocation", invocation},
          {"mono_us", at},
          {"wall_us", at + 7}};
}

Trigger trigger(std::int64_t offset_us = 0, bool any = false) {
  return {.window = "w",
          .open = {{event::Marker::Kind::log, "open", {}, {}}},
          .close = {{event::Marker::Kind::log, "close", {}, {}}},
          .offset = Microseconds(offset_us),
          .any_invocation = any};
}

TEST(TriggerLogic, fires_at_marker_plus_offset_in_a_new_invocation) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  EXPECT_EQ(logic.feed(journal("open", "old", 100)), Verdict::wait)
      << "the invocation that ran while arming does not count";
  EXPECT_EQ(logic.feed(journal("hello", "new", 200)), Verdict::wait);
  EXPECT_EQ(logic.feed(journal("open", "new", 300)), Verdict::armed);
  EXPECT_EQ(logic.fire_at_mono_us(), 800);
  EXPECT_EQ(logic.opened_wall_us(), 307);
  EXPECT_EQ(logic.invocation(), "new");
}

TEST(TriggerLogic, also_takes_the_current_invocation_when_asked) {
  const Trigger wanted = trigger(0, true);
  TriggerLogic logic(wanted, "old");
  EXPECT_EQ(logic.feed(journal("open", "old", 100)), Verdict::armed);
}

TEST(TriggerLogic, misses_when_the_window_closes_before_the_offset) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("close", "new", 700)), Verdict::missed);
  EXPECT_THAT(logic.reason(),
              testing::HasSubstr("closed after 400 us, before the offset of 500 us"));
}

TEST(TriggerLogic, misses_when_the_close_is_read_before_firing_though_it_is_past_the_offset) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("close", "new", 900)), Verdict::missed);
  EXPECT_THAT(logic.reason(), testing::HasSubstr("closed after 600 us"));
}

TEST(TriggerLogic, misses_when_a_new_invocation_begins_inside_the_window) {
  const Trigger wanted = trigger(500);
  TriggerLogic logic(wanted, "old");
  logic.feed(journal("open", "new", 300));
  EXPECT_EQ(logic.feed(journal("hello", "newer", 400)), Verdict::missed);
  EXPECT_THAT(logic.reason(), testing::HasSubstr("new invocation"));
}

TEST(TriggerLogic, takes_renames_for_the_invocation_that_wrote_last) {
  const Trigger wanted{.window = "gap",
                       .open = {{event::Marker::Kind::manifest, "removed", {}, "a.yaml"}},
                       .close = {{event::Marker::Kind::manifest, "written", {}, "a.yaml"}}};
  TriggerLogic logic(wanted, "old");
  const Json removed = {
      {"type", "manifest"}, {"op", "removed"}, {"file", "a.yaml"}, {"mono_us", 5}};
  EXPECT_EQ(logic.feed(removed), Verdict::wait) << "no invocation has been seen yet";
  logic.feed(journal("hello", "new", 6));
  EXPECT_EQ(logic.feed(removed), Verdict::armed);
}

}  // namespace
}  // namespace harness::guard
