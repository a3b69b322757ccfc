// Every kind of start on every release line, as sources tell it: each window that the start has
// opens and closes once, in order, and the others never come.

#include "harness/plan/told_starts.h"

#include <cstdio>

#include <gtest/gtest.h>

#include "harness/plan/followed.h"

namespace harness::plan {
namespace {

using table::Told;

bool may_lack(const WindowPack::Entry& entry, const Told& told) {
  const std::string& name = entry.window.name;
  if (name == "charts") {
    return !told.charts;
  }
  if (name == "old-pod-removal") {
    return !told.changed;
  }
  if (name == "apiserver-gap") {
    return told.first;  // there is no manifest yet that could be removed
  }
  using Starts = WindowPack::Entry::Starts;
  return (entry.starts == Starts::first && !told.first) ||
         (entry.starts == Starts::later && told.first) ||
         (entry.starts == Starts::not_joining && told.first && told.joins);
}

TEST(ToldStarts, open_and_close_each_of_their_windows_once_and_no_other) {
  int windows = 0;
  for (const std::string& tag : table::releases()) {
    const Version release = *Version::parse(tag);
    for (const auto& [name, told] : table::told_starts()) {
      SCOPED_TRACE(tag + ", " + name);
      const auto entries = entries_of(release, told.role);
      const table::Teller teller(tag, told);
      const SeenWindows seen = follow(entries, teller.facts())["told"];
      for (const WindowPack::Entry& entry : entries) {
        const std::string& window = entry.window.name;
        const bool comes = entry.condition.empty() || told.conditions().contains(entry.condition);
        if (!comes || may_lack(entry, told)) {
          expect_never(seen, window);
          continue;
        }
        const auto found = seen.find(window);
        if (found == seen.end()) {
          ADD_FAILURE() << window << " never opened";
          continue;
        }
        EXPECT_EQ(found->second.opened.size(), 1U) << window;
        EXPECT_EQ(found->second.closed.size(), 1U) << window;
        ++windows;
      }
      expect_order(seen, told.role == "agent" ? kAgentOrder : kServerOrder);
      if (std::ranges::find(table::kFixed, tag) != table::kFixed.end()) {
        expect_order(seen, kFixedOrder);
      }
    }
  }
  std::printf("told starts: %d windows on %zu releases\n", windows, table::releases().size());
  EXPECT_GT(windows, 1000);
}

// A start of which a line is left out must be found out.
TEST(ToldStarts, without_a_line_lack_its_window) {
  const Told told{.joins = true};
  for (const auto& [text, window] : std::vector<std::pair<std::string, std::string>>{
           {"Successfully reconciled with remote datastore", "remote-reconcile"},
           {"containerd is now running", "runtime"},
           {"Pod for kube-apiserver is synced", "static-pod-sync"},
           {"rke2 is up and running", "start-up-hooks"}}) {
    for (const std::string& tag : table::releases()) {
      std::vector<Json> facts = table::Teller(tag, told).facts();
      const auto gone = std::erase_if(facts, [&, wanted = text](const Json& fact) {
        return json_string(fact, "line").find(wanted) != std::string::npos;
      });
      ASSERT_EQ(gone, 1U) << tag << ": " << text;
      SeenWindows seen = follow(entries_of(*Version::parse(tag), "server"), facts)["told"];
      EXPECT_TRUE(seen[window].closed.empty()) << tag << ": " << window;
    }
  }
}

}  // namespace
}  // namespace harness::plan
