// Starts recorded on lab nodes, held against the packs: each window of the release opens and closes
// once, in order; where it may do otherwise, that is said here with the reason.

#include "harness/plan/recorded.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/plan/followed.h"

namespace harness::plan {
namespace {

// Windows that a start may have more than once.
const std::map<std::string, std::string> kMayReopen = {
    {"static-pod-sync",
     "etcd's pod that was synced may be found not synced later in the same start"},
    {"old-pod-removal", "as static-pod-sync, whose lines it is made of"},
    {"image-import", "each archive is a span"},
    {"charts", "each job is a span"},
};

// Windows that not every start has, beside those that the pack calls optional.
const std::map<std::string, std::map<std::string, std::string>> kNotIn = {
    {"first", {{"apiserver-gap", "there is no manifest yet that could be removed"}}},
    {"join", {{"apiserver-gap", "there is no manifest yet that could be removed"}}},
    {"again",
     {{"apiserver-gap", "the start before removed the manifest, and died before it wrote"}}},
};

// The pack says that it is in other starts.
bool of_other_starts(const WindowPack::Entry& entry, const std::string& start) {
  using Starts = WindowPack::Entry::Starts;
  const bool first = start == "first" || start == "join";
  return (entry.starts == Starts::later && first) || (entry.starts == Starts::first && !first) ||
         (entry.starts == Starts::not_joining && start == "join");
}

bool may_lack(const WindowPack::Entry& entry, const std::string& start) {
  const auto not_in = kNotIn.find(start);
  return entry.optional || of_other_starts(entry, start) ||
         (not_in != kNotIn.end() && not_in->second.contains(entry.window.name));
}

bool holds(const WindowPack::Entry& entry, const Recording& recording) {
  return entry.condition.empty() || recording.conditions.contains(entry.condition);
}

std::map<std::string, SeenWindows> follow(const Recording& recording) {
  return follow(entries_of(*recording.release, recording.role), recording.facts);
}

const Recording* find(const std::vector<Recording>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Recording::name);
  EXPECT_NE(found, all.end()) << "no recording " << name;
  return found == all.end() ? nullptr : &*found;
}

TEST(Recorded, starts_of_each_release_and_role_are_there) {
  std::set<std::string> names;
  for (const Recording& one : recordings()) {
    names.insert(one.name);
    std::set<std::string> starts;
    for (const auto& [start, seen] : follow(one)) {
      starts.insert(start);
    }
    EXPECT_EQ(starts, one.starts) << one.name;
    const auto size = std::filesystem::file_size(kRecorded / (one.name + ".jsonl"));
    EXPECT_LT(size, 60'000U) << one.name;
  }
  for (const char* release : {"1.30.11",
                              "1.30.12",
                              "1.30.13-rc2",
                              "1.30.13-rc2-cis",
                              "1.30.11-to-1.30.12",
                              "1.30.12-to-1.30.13-rc2",
                              "1.30.11-to-1.30.13-rc2-cis",
                              "1.30.13-rc2-no-archives",
                              "1.30.13-rc2-boot"}) {
    EXPECT_TRUE(names.contains(std::string(release) + "-server")) << release;
    EXPECT_TRUE(names.contains(std::string(release) + "-agent")) << release;
  }
  for (const char* name : {"1.30.12-joining-server",
                           "1.30.13-rc2-joining-server",
                           "1.30.12-to-1.30.13-rc2-joining-server",
                           "1.30.13-rc2-charts-server",
                           "1.30.12-to-1.30.13-rc2-charts-server"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Recorded, windows_open_and_close_once) {
  for (const Recording& one : recordings()) {
    const auto starts = follow(one);
    for (const auto& [start, seen] : starts) {
      for (const WindowPack::Entry& entry : entries_of(*one.release, one.role)) {
        const std::string& window = entry.window.name;
        SCOPED_TRACE(one.name + ", " + start + ": " + window);
        const auto found = seen.find(window);
        const bool whole = !one.died.contains(start);
        if (!holds(entry, one)) {
          expect_never(seen, window);
          continue;
        }
        if (found == seen.end()) {
          EXPECT_TRUE(may_lack(entry, start) || !whole) << "it never opened";
          continue;
        }
        const Followed& spans = found->second;
        if (whole && !entry.may_stay_open && !of_other_starts(entry, start)) {
          EXPECT_EQ(spans.cut, 0) << "the start ended inside it";
          EXPECT_EQ(spans.opened.size(), spans.closed.size()) << "it never closed";
        }
        if (!kMayReopen.contains(window)) {
          EXPECT_EQ(spans.opened.size(), 1U);
        }
      }
    }
  }
}

TEST(Recorded, windows_come_in_order) {
  for (const Recording& one : recordings()) {
    const auto starts = follow(one);
    for (const auto& [start, seen] : starts) {
      SCOPED_TRACE(one.name + ", " + start);
      if (one.role == "agent") {
        expect_order(seen, kAgentOrder);
        continue;
      }
      expect_order(seen, kServerOrder);
      if (one.release->patch >= 13) {
        expect_order(seen, kFixedOrder);
      }
    }
  }
}

// The restart of 1.30.12 shows the bug without any fault: hooks ran before the pods were looked at.
TEST(Recorded, restart_of_1_30_12_runs_its_hooks_before_it_looks_at_pods) {
  const auto all = recordings();
  const Recording* one = find(all, "1.30.12-server");
  ASSERT_NE(one, nullptr);
  const SeenWindows seen = follow(*one).at("restart");
  const auto hooks = moment(seen, "+start-up-hooks");
  const auto sync = moment(seen, "+static-pod-sync");
  ASSERT_TRUE(hooks && sync);
  EXPECT_LT(*hooks, *sync);
}

// rancher/rke2#8269 as it is: hooks run while etcd's old pod is removed under them, and end the
// start. systemd begins the next, which finds everything in place.
TEST(Recorded, upgrade_to_1_30_12_dies_in_its_hooks_and_comes_up_again) {
  const auto all = recordings();
  const Recording* first = find(all, "1.30.11-to-1.30.12-server");
  const Recording* second = find(all, "1.30.11-to-1.30.12-again-server");
  ASSERT_TRUE(first != nullptr && second != nullptr);
  const SeenWindows died = follow(*first).at("upgrade");
  EXPECT_TRUE(moment(died, "+start-up-hooks"));
  EXPECT_FALSE(moment(died, "-start-up-hooks"));
  EXPECT_FALSE(moment(died, "+static-pod-sync")) << "nobody had looked at the pods";
  EXPECT_TRUE(moment(follow(*second).at("again"), "-start-up-hooks"));
}

// What a changed image brings, and a boot: sandboxes of old manifests are removed.
TEST(Recorded, old_pods_are_removed_by_upgrades_and_after_a_boot) {
  const auto all = recordings();
  for (const char* name : {"1.30.12-to-1.30.13-rc2-server",
                           "1.30.11-to-1.30.13-rc2-cis-server",
                           "1.30.13-rc2-boot-server"}) {
    const Recording* one = find(all, name);
    ASSERT_NE(one, nullptr);
    const SeenWindows seen = follow(*one).begin()->second;
    EXPECT_TRUE(moment(seen, "+old-pod-removal") && moment(seen, "-old-pod-removal")) << name;
  }
  const Recording* kept = find(all, "1.30.13-rc2-no-archives-server");
  ASSERT_NE(kept, nullptr);
  EXPECT_FALSE(follow(*kept).at("restart").contains("old-pod-removal"));
}

// A test that could not fail would prove nothing: a recording without one line must be found out.
TEST(Recorded, a_missing_closing_is_found) {
  for (Recording& one : recordings()) {
    if (one.name != "1.30.13-rc2-server") {
      continue;
    }
    std::erase_if(one.facts, [](const Json& fact) {
      return json_string(fact, "line").find("Kube API server is now running") != std::string::npos;
    });
    const auto starts = follow(one);
    const Followed& readyz = starts.at("first").at("readyz");
    EXPECT_LT(readyz.closed.size(), readyz.opened.size());
  }
}

}  // namespace
}  // namespace harness::plan
