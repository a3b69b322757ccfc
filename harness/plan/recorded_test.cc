// Starts recorded on lab nodes, held against the packs: each window of the release opens and closes
// once, in order; where it may do otherwise, that is said here with the reason.

#include "harness/plan/recorded.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/event/span.h"
#include "harness/plan/pack.h"

namespace harness::plan {
namespace {

const std::vector<WindowPack>& packs() {
  static const auto kPacks =
      load_packs(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows").value();
  return kPacks;
}

std::vector<WindowPack::Entry> entries_of(const Recording& recording) {
  std::vector<WindowPack::Entry> out;
  for (const WindowPack::Entry& entry : pack_for(packs(), *recording.release).value()->entries) {
    if (entry.role == recording.role && entry.holds_for(*recording.release) &&
        (entry.condition.empty() || recording.conditions.contains(entry.condition))) {
      out.push_back(entry);
    }
  }
  return out;
}

struct Seen {
  std::vector<std::int64_t> opened;  // monotonic
  std::vector<std::int64_t> closed;
  int cut = 0;
};

// By start ("first", "restart") and window.
std::map<std::string, std::map<std::string, Seen>> follow(const Recording& recording) {
  std::vector<event::WindowDef> windows;
  for (const WindowPack::Entry& entry : entries_of(recording)) {
    windows.push_back(entry.window);
  }
  event::SpanTracker tracker(windows);
  std::map<std::string, std::map<std::string, Seen>> out;
  for (const Json& fact : recording.facts) {
    for (const event::WindowMoment& moment : tracker.feed(fact)) {
      Seen& seen = out[moment.invocation][moment.window];
      seen.cut += moment.cut ? 1 : 0;
      (moment.opened ? seen.opened : seen.closed).push_back(moment.mono_us);
    }
  }
  return out;
}

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
};

// Windows that may be open until the start ends, up to and with this patch of 1.30.
const std::map<std::string, std::pair<int, std::string>> kMayStayOpen = {
    {"static-pod-sync",
     {12,
      "a look that falls in the gap of kube-apiserver's manifest finds nothing to compare, and the "
      "sync ends without its last line"}},
};

// One before the other: `+` its first opening, `-` its last closing.
using Order = std::vector<std::pair<std::string, std::string>>;

// A rename has the instant at which it was seen, a line that at which journald had it, which may be
// some milliseconds late: only what is far apart is held against the other kind.
const Order kServer = {{"+pre", "-pre"},
                       {"-pre", "+bootstrap"},
                       {"-bootstrap", "+runtime"},
                       {"-runtime", "+preload"},
                       {"+preload", "+etcd-start"},
                       {"+etcd-start", "-etcd-start"},
                       {"+preload", "+apiserver-gap"},
                       {"+apiserver-gap", "-apiserver-gap"},
                       {"+start-up-hooks", "+cluster-roles"},
                       {"-cluster-roles", "+stage"},
                       {"+readyz", "-start-up-hooks"},
                       {"-cluster-roles", "-start-up-hooks"}};
// What the fix of rancher/rke2#8269 brought: hooks wait for the sync of static pods.
const Order kFixed = {{"-etcd-start", "+static-pod-sync"},
                      {"-static-pod-sync", "+readyz"},
                      {"-static-pod-sync", "+start-up-hooks"}};
const Order kAgent = {{"+agent-start", "-agent-start"},
                      {"-bootstrap", "+runtime"},
                      {"-runtime", "+preload"},
                      {"-preload", "+kubelet"},
                      {"-kubelet", "+ready"},
                      {"-ready", "-agent-start"}};

std::optional<std::int64_t> moment(const std::map<std::string, Seen>& seen,
                                   const std::string& what) {
  const auto found = seen.find(what.substr(1));
  if (found == seen.end()) {
    return std::nullopt;
  }
  const bool opening = what[0] == '+';
  const auto& list = opening ? found->second.opened : found->second.closed;
  return list.empty() ? std::nullopt : std::optional(opening ? list.front() : list.back());
}

void expect_order(const std::map<std::string, Seen>& seen, const Order& order) {
  for (const auto& [first, then] : order) {
    const auto one = moment(seen, first);
    const auto other = moment(seen, then);
    if (one && other) {
      EXPECT_LE(*one, *other) << first << " must come before " << then;
    }
  }
}

TEST(Recorded, starts_of_each_release_and_role_are_there) {
  std::set<std::string> names;
  for (const Recording& one : recordings()) {
    names.insert(one.name);
    EXPECT_EQ(follow(one).size(), 2U) << one.name << ": a first start and a restart";
    const auto size = std::filesystem::file_size(kRecorded / (one.name + ".jsonl"));
    EXPECT_LT(size, 60'000U) << one.name;
  }
  for (const char* release : {"1.30.11", "1.30.12", "1.30.13-rc2", "1.30.13-rc2-cis"}) {
    EXPECT_TRUE(names.contains(std::string(release) + "-server")) << release;
    EXPECT_TRUE(names.contains(std::string(release) + "-agent")) << release;
  }
}

TEST(Recorded, windows_open_and_close_once) {
  for (const Recording& one : recordings()) {
    const auto starts = follow(one);
    for (const auto& [start, seen] : starts) {
      for (const WindowPack::Entry& entry : entries_of(one)) {
        const std::string& window = entry.window.name;
        SCOPED_TRACE(one.name + ", " + start + ": " + window);
        const auto found = seen.find(window);
        const auto not_in = kNotIn.find(start);
        const bool may_lack =
            entry.optional ||
            (entry.starts == WindowPack::Entry::Starts::later && start == "first") ||
            (not_in != kNotIn.end() && not_in->second.contains(window));
        if (found == seen.end()) {
          EXPECT_TRUE(may_lack) << "it never opened";
          continue;
        }
        const auto open = kMayStayOpen.find(window);
        if (open == kMayStayOpen.end() || one.release->patch > open->second.first) {
          EXPECT_EQ(found->second.cut, 0) << "the start ended inside it";
          EXPECT_EQ(found->second.opened.size(), found->second.closed.size()) << "it never closed";
        }
        if (!kMayReopen.contains(window)) {
          EXPECT_EQ(found->second.opened.size(), 1U);
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
        expect_order(seen, kAgent);
        continue;
      }
      expect_order(seen, kServer);
      if (one.release->patch >= 13) {
        expect_order(seen, kFixed);
      }
    }
  }
}

// The restart of 1.30.12 shows the bug without any fault: hooks ran before the pods were looked at.
TEST(Recorded, restart_of_1_30_12_runs_its_hooks_before_it_looks_at_pods) {
  for (const Recording& one : recordings()) {
    if (one.name == "1.30.12-server") {
      const auto seen = follow(one).at("restart");
      const auto hooks = moment(seen, "+start-up-hooks");
      const auto sync = moment(seen, "+static-pod-sync");
      ASSERT_TRUE(hooks && sync);
      EXPECT_LT(*hooks, *sync);
    }
  }
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
    const Seen& readyz = starts.at("first").at("readyz");
    EXPECT_TRUE(readyz.cut > 0 || readyz.closed.size() < readyz.opened.size());
  }
}

}  // namespace
}  // namespace harness::plan
