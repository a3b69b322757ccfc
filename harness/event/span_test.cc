#include "harness/event/span.h"

#include <gtest/gtest.h>

namespace harness::event {
namespace {

Json journal(std::string msg, std::string invocation, std::int64_t at, std::string boot = "b1") {
  return {{"type", "journal"},
          {"ident", "rke2"},
          {"line", "level=info msg=\"" + std::move(msg) + "\""},
          {"invocation", std::move(invocation)},
          {"mono_us", at},
          {"wall_us", at + 1000},
          {"boot_id", std::move(boot)}};
}

WindowDef window(std::string name, std::string open, std::string close) {
  return {std::move(name),
          {{Marker::Kind::log, std::move(open), {}, {}}},
          {{Marker::Kind::log, std::move(close), {}, {}}},
          {}};
}

TEST(SpanTracker, keeps_every_span_of_an_invocation) {
  SpanTracker tracker({window("w", "open", "close")});
  EXPECT_EQ(tracker.feed(journal("open", "i1", 1)).size(), 1U);
  EXPECT_TRUE(tracker.feed(journal("open", "i1", 2)).empty()) << "it is open already";
  const auto closed = tracker.feed(journal("close", "i1", 3));
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_FALSE(closed[0].opened);
  EXPECT_FALSE(closed[0].cut);
  EXPECT_EQ(closed[0].mono_us, 3);
  EXPECT_EQ(tracker.feed(journal("open", "i1", 4)).size(), 1U) << "a window may open again";
}

TEST(SpanTracker, cuts_a_span_at_a_new_invocation_and_at_a_boot) {
  SpanTracker tracker({window("w", "open", "close")});
  tracker.feed(journal("open", "i1", 1));
  const auto cut = tracker.feed(journal("hello", "i2", 2));
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_TRUE(cut[0].cut);
  EXPECT_EQ(cut[0].invocation, "i1");
  tracker.feed(journal("open", "i2", 3));
  const auto boot =
      tracker.feed({{"type", "clock"}, {"boot_id", "b2"}, {"mono_us", 1}, {"wall_us", 5000}});
  ASSERT_EQ(boot.size(), 1U);
  EXPECT_TRUE(boot[0].cut);
  EXPECT_EQ(boot[0].boot_id, "b1");
}

TEST(SpanTracker, does_not_let_a_late_unit_fact_change_the_invocation) {
  SpanTracker tracker({window("w", "open", "close")});
  tracker.feed(journal("open", "i2", 1));
  EXPECT_TRUE(
      tracker
          .feed({{"type", "unit"}, {"active", "failed"}, {"invocation", "i1"}, {"boot_id", "b1"}})
          .empty());
  EXPECT_EQ(
      tracker
          .feed({{"type", "unit"}, {"active", "failed"}, {"invocation", "i2"}, {"boot_id", "b1"}})
          .size(),
      1U);
}

TEST(SpanTracker, opens_by_a_rename_and_closes_by_the_next) {
  SpanTracker tracker({{"gap",
                        {{Marker::Kind::manifest, "removed", {}, "a.yaml"}},
                        {{Marker::Kind::manifest, "written", {}, "a.yaml"}},
                        {}}});
  tracker.feed(journal("x", "i1", 1));
  const auto fact = [](const char* op, const char* file) {
    return Json{
        {"type", "manifest"}, {"op", op}, {"file", file}, {"boot_id", "b1"}, {"mono_us", 2}};
  };
  EXPECT_TRUE(tracker.feed(fact("removed", "b.yaml")).empty());
  const auto opened = tracker.feed(fact("removed", "a.yaml"));
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_EQ(opened[0].invocation, "i1");
  EXPECT_EQ(tracker.feed(fact("written", "a.yaml")).size(), 1U);
}

TEST(Marker, refuses_what_it_does_not_know) {
  for (const char* text : {"{}",
                           "[]",
                           R"({"log": ""})",
                           R"({"log": 1})",
                           R"({"log": "x", "file": "y"})",
                           R"({"manifest": "eaten", "file": "y"})",
                           R"({"manifest": "written"})",
                           R"({"shout": "x"})"}) {
    const auto marker = marker_from_json(*parse_json(text));
    ASSERT_FALSE(marker) << text;
    EXPECT_EQ(marker.error().code(), ErrorCode::invalid_input);
  }
  const Json good = {{"log", "Pod for * is synced"}, {"level", "info"}};
  EXPECT_EQ(to_json(*marker_from_json(good)), good);
}

TEST(Glob, is_anchored_at_both_ends) {
  EXPECT_TRUE(glob_matches("Pod for * not synced (*), retrying",
                           "Pod for etcd not synced (pod sandbox not found), retrying"));
  EXPECT_FALSE(glob_matches("Pod for etcd is synced", "Pod for etcd is synced!"));
  EXPECT_FALSE(glob_matches("Pod", "A Pod"));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_FALSE(glob_matches("a*b*c", "abbbb"));
}

}  // namespace
}  // namespace harness::event
