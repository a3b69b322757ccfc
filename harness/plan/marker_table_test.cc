// Every moment of a start on every release line, in the shapes that journals show it, and lines
// that look like one and mark nothing.

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "harness/event/line.h"
#include "harness/event/marker.h"
#include "harness/plan/marker_rows.h"
#include "harness/plan/marker_shapes.h"
#include "harness/plan/pack.h"

namespace harness::plan {
namespace {

using Marks = std::set<std::string>;

const std::vector<WindowPack>& packs() {
  static const auto kPacks = load_packs(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows");
  if (!kPacks) {
    ADD_FAILURE() << kPacks.error().message();
    static const std::vector<WindowPack> kNone;
    return kNone;
  }
  return *kPacks;
}

const WindowPack& pack_of(const std::string& tag) {
  return *pack_for(packs(), *Version::parse(tag)).value();
}

bool any(const std::vector<event::Marker>& markers, const Json& fact) {
  return std::ranges::any_of(
      markers, [&](const event::Marker& marker) { return event::matches(marker, fact); });
}

// What the windows of the release make of the fact, on either role.
Marks marks_of(const std::string& tag, const Json& fact) {
  const Version version = *Version::parse(tag);
  Marks out;
  for (const WindowPack::Entry& entry : pack_of(tag).entries) {
    if (!entry.holds_for(version)) {
      continue;
    }
    const std::string name = (entry.role == "agent" ? "agent " : "") + entry.window.name;
    if (any(entry.window.open, fact)) {
      out.insert("+" + name);
    }
    if (any(entry.window.close, fact)) {
      out.insert("-" + name);
    }
  }
  return out;
}

Marks expected(const std::vector<table::Mark>& marks, const std::string& tag) {
  Marks out;
  for (const table::Mark& mark : marks) {
    if (std::ranges::find(mark.on, tag) != mark.on.end()) {
      out.insert(mark.text);
    }
  }
  return out;
}

// The newest release on which the row marks anything.
std::string release_of(const table::Row& row) {
  return row.marks.front().on.back();
}

// A marker that ends in `*` takes any ending on purpose.
bool takes_any_ending(const std::string& tag, const std::string& msg) {
  return std::ranges::any_of(pack_of(tag).entries, [&](const WindowPack::Entry& entry) {
    std::vector<event::Marker> markers = entry.window.open;
    markers.insert(markers.end(), entry.window.close.begin(), entry.window.close.end());
    return std::ranges::any_of(markers, [&](const event::Marker& marker) {
      return marker.text.ends_with('*') && event::glob_matches(marker.text, msg);
    });
  });
}

TEST(MarkerTable, takes_each_line_for_its_own_moments_on_every_release) {
  for (const std::string& tag : table::releases()) {
    for (const table::Row& row : table::rows()) {
      EXPECT_EQ(marks_of(tag, table::fact(table::logrus(row.msg))), expected(row.marks, tag))
          << tag << ": " << row.msg;
    }
    for (const table::FactRow& row : table::fact_rows()) {
      EXPECT_EQ(marks_of(tag, row.fact), expected(row.marks, tag)) << tag << ": " << row.fact;
    }
    for (const std::string& line : table::silent_lines()) {
      EXPECT_EQ(marks_of(tag, table::fact(line)), Marks()) << tag << ": " << line;
    }
  }
}

TEST(MarkerTable, recognises_every_moment_in_every_shape_and_no_look_alike) {
  int recognised = 0;
  int refused = 0;
  for (const table::Row& row : table::rows()) {
    const std::string tag = release_of(row);
    for (const std::string& line : table::shapes(row.msg)) {
      EXPECT_EQ(marks_of(tag, table::fact(line)), expected(row.marks, tag)) << tag << ": " << line;
      ++recognised;
    }
    std::vector<Json> others;
    for (const std::string& line : table::look_alikes(row.msg)) {
      others.push_back(table::fact(line));
    }
    if (!takes_any_ending(tag, row.msg)) {
      others.push_back(table::fact(table::logrus(row.msg + " (stale)")));
    }
    for (const char* ident : {"kubelet", "systemd", "sh", "hookshot", "rke2x"}) {
      others.push_back(table::fact(table::logrus(row.msg), ident));
    }
    Json before = table::fact(table::logrus(row.msg));
    before["initial"] = true;
    others.push_back(std::move(before));
    for (const Json& other : others) {
      EXPECT_EQ(marks_of(tag, other), Marks()) << tag << ": " << other;
      ++refused;
    }
  }
  for (const table::FactRow& row : table::fact_rows()) {
    ++(row.marks.empty() ? refused : recognised);
  }
  refused += static_cast<int>(table::silent_lines().size());
  std::printf("marker table: %d lines recognised, %d look-alikes refused\n", recognised, refused);
  EXPECT_GE(refused, recognised);
}

TEST(MarkerTable, has_a_row_for_every_marker_of_every_pack) {
  std::vector<Json> facts;
  for (const table::Row& row : table::rows()) {
    facts.push_back(table::fact(table::logrus(row.msg)));
  }
  for (const table::FactRow& row : table::fact_rows()) {
    facts.push_back(row.fact);
  }
  int markers = 0;
  for (const WindowPack& pack : packs()) {
    for (const WindowPack::Entry& entry : pack.entries) {
      for (const auto* side : {&entry.window.open, &entry.window.close}) {
        for (const event::Marker& marker : *side) {
          EXPECT_TRUE(std::ranges::any_of(
              facts, [&](const Json& fact) { return event::matches(marker, fact); }))
              << pack.line << " " << entry.window.name << ": " << event::describe(marker);
          ++markers;
        }
      }
    }
  }
  EXPECT_GT(markers, 0);
}

TEST(MarkerTable, tells_the_three_ways_to_readiness_apart) {
  const Json polling = table::fact(
      table::logrus("Polling for API server readiness: GET /readyz failed: connection refused"));
  EXPECT_EQ(marks_of("v1.30.11+rke2r1", polling), Marks());
  const Json synced = table::fact(table::logrus("Pod for kube-apiserver is synced"));
  const Marks synced_alone = {"-static-pod-sync", "-old-pod-removal"};
  EXPECT_EQ(marks_of("v1.30.12+rke2r1", polling), Marks({"+readyz"}));
  EXPECT_EQ(marks_of("v1.30.12+rke2r1", synced), synced_alone);
  for (const char* fixed : {"v1.30.13-rc1+rke2r1", "v1.30.13+rke2r1"}) {
    EXPECT_EQ(marks_of(fixed, polling), Marks({"+readyz"})) << "where a server joins";
    EXPECT_EQ(marks_of(fixed, synced), Marks({"-static-pod-sync", "-old-pod-removal", "+readyz"}));
  }
}

TEST(Line, survives_any_bytes) {
  for (const std::string& line : {std::string(),
                                  std::string("\0\xff", 2),
                                  std::string("time=\""),
                                  std::string("{"),
                                  std::string("{\"msg\":"),
                                  std::string("msg=\"\\"),
                                  std::string("INFO["),
                                  std::string(100'000, '"'),
                                  std::string("I0516 09:07:39.123456")}) {
    const event::Line parsed = event::parse_line(line);
    EXPECT_LE(parsed.msg.size(), line.size());
  }
}

}  // namespace
}  // namespace harness::plan
