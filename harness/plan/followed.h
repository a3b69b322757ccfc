// What windows make of the facts of starts, and the order in which they may: for tests of recorded
// and of told starts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "harness/event/span.h"
#include "harness/plan/pack.h"

namespace harness::plan {

inline const std::vector<WindowPack>& shipped_packs() {
  static const auto kPacks =
      load_packs(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows").value();
  return kPacks;
}

// All of the role, whatever their condition.
inline std::vector<WindowPack::Entry> entries_of(const Version& release, const std::string& role) {
  std::vector<WindowPack::Entry> out;
  for (const WindowPack::Entry& entry : pack_for(shipped_packs(), release).value()->entries) {
    if (entry.role == role && entry.holds_for(release)) {
      out.push_back(entry);
    }
  }
  return out;
}

struct Followed {
  std::vector<std::int64_t> opened;  // monotonic
  std::vector<std::int64_t> closed;  // by a marker
  int cut = 0;                       // by the end of the start

  bool never() const { return opened.empty(); }
};

using SeenWindows = std::map<std::string, Followed>;

// By invocation and window.
inline std::map<std::string, SeenWindows> follow(const std::vector<WindowPack::Entry>& entries,
                                                 const std::vector<Json>& facts) {
  std::vector<event::WindowDef> windows;
  for (const WindowPack::Entry& entry : entries) {
    windows.push_back(entry.window);
  }
  event::SpanTracker tracker(windows);
  std::map<std::string, SeenWindows> out;
  for (const Json& fact : facts) {
    for (const event::WindowMoment& moment : tracker.feed(fact)) {
      Followed& seen = out[moment.invocation][moment.window];
      if (moment.opened) {
        seen.opened.push_back(moment.mono_us);
      } else if (moment.cut) {
        ++seen.cut;
      } else {
        seen.closed.push_back(moment.mono_us);
      }
    }
  }
  return out;
}

// A window that opens with a line that other starts have, too. It never closes in those.
inline const std::set<std::string> kSharesItsOpening = {"remote-reconcile"};

inline void expect_never(const SeenWindows& seen, const std::string& window) {
  const auto found = seen.find(window);
  if (found == seen.end()) {
    return;
  }
  EXPECT_TRUE(kSharesItsOpening.contains(window)) << window << " opened without its condition";
  EXPECT_TRUE(found->second.closed.empty()) << window << " came without its condition";
}

// One before the other: `+` its first opening, `-` its last closing.
using Order = std::vector<std::pair<std::string, std::string>>;

// A rename has the instant at which it was seen, a line that at which journald had it, which may be
// some milliseconds late: only what is far apart is held against the other kind.
inline const Order kServerOrder = {{"+pre", "-pre"},
                                   {"-pre", "+bootstrap"},
                                   {"+bootstrap", "-temporary-etcd"},
                                   {"-temporary-etcd", "-bootstrap"},
                                   {"-remote-reconcile", "-bootstrap"},
                                   {"-bootstrap", "+runtime"},
                                   {"-runtime", "+preload"},
                                   {"+preload", "+image-import"},
                                   {"-image-import", "-preload"},
                                   {"-preload", "-join"},
                                   {"-join", "+etcd-start"},
                                   {"+preload", "+etcd-start"},
                                   {"+etcd-start", "-etcd-start"},
                                   {"+preload", "+apiserver-gap"},
                                   {"+apiserver-gap", "-apiserver-gap"},
                                   {"+static-pod-sync", "+old-pod-removal"},
                                   {"+start-up-hooks", "+cluster-roles"},
                                   {"-cluster-roles", "+stage"},
                                   {"+readyz", "-start-up-hooks"},
                                   {"-network-policies", "-start-up-hooks"},
                                   {"-service-accounts", "-start-up-hooks"},
                                   {"-cluster-roles", "-start-up-hooks"}};
// What the fix of rancher/rke2#8269 brought: hooks wait for the sync of static pods. After a boot
// it begins before there is an etcd.
inline const Order kFixedOrder = {{"+etcd-start", "+static-pod-sync"},
                                  {"-etcd-start", "-static-pod-sync"},
                                  {"-old-pod-removal", "-static-pod-sync"},
                                  {"-static-pod-sync", "+readyz"},
                                  {"-static-pod-sync", "+start-up-hooks"}};
inline const Order kAgentOrder = {{"+agent-start", "-agent-start"},
                                  {"-bootstrap", "+runtime"},
                                  {"-runtime", "+preload"},
                                  {"+preload", "+image-import"},
                                  {"-image-import", "-preload"},
                                  {"-preload", "+kubelet"},
                                  {"-kubelet", "+ready"},
                                  {"-ready", "-agent-start"}};

inline std::optional<std::int64_t> moment(const SeenWindows& seen, const std::string& what) {
  const auto found = seen.find(what.substr(1));
  if (found == seen.end()) {
    return std::nullopt;
  }
  const bool opening = what[0] == '+';
  const auto& list = opening ? found->second.opened : found->second.closed;
  return list.empty() ? std::nullopt : std::optional(opening ? list.front() : list.back());
}

inline void expect_order(const SeenWindows& seen, const Order& order) {
  for (const auto& [first, then] : order) {
    const auto one = moment(seen, first);
    const auto other = moment(seen, then);
    if (one && other) {
      EXPECT_LE(*one, *other) << first << " must come before " << then;
    }
  }
}

}  // namespace harness::plan
