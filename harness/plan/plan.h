// Suites and window packs in, cases out. Pure: no node is touched, no chance is used but the
// seed's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/aim/offset.h"
#include "harness/aim/sweep.h"
#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/inventory/inventory.h"
#include "harness/plan/pack.h"
#include "harness/plan/suite.h"

namespace harness::plan {

// What the version has to be watched, one for all cells of a path.
struct Watched {
  std::vector<event::WindowDef> on_servers;
  std::vector<event::WindowDef> on_agents;
  std::map<std::string, std::vector<event::WindowDef>, std::less<>> on;  // by node, for its place

  static Watched of(const std::vector<WindowPack>& packs,
                    const Version& version,
                    const inventory::Inventory& inventory);
};

// One aimed trial.
struct Shot {
  aim::Aim aim;
  aim::Anchor anchor;                       // what the node's trigger waits for
  std::string why;                          // why this instant, where there is a reason to tell
  std::string replays;                      // RUN:CASE:TRIAL
  std::optional<std::int64_t> original_us;  // where that one landed, from its window's opening
  std::vector<Shot> companions;             // of a replay: those of the further faults; else empty
  std::optional<std::int64_t> learned_us;   // the window's usual length; empty: never learned
};

Json to_json(const aim::Anchor& anchor);
Result<aim::Anchor> anchor_from_json(const Json& json);

// The node whose window a fault waits for, where that is not its target: the controller follows it
// and gives the target's trigger the word.
struct Seen {
  std::string node;
  bool server = true;

  bool elsewhere() const { return !node.empty(); }

  // Of a fault on `target`: the node whose window it waits for.
  Seen or_own(const std::string& target, bool on_server) const {
    return elsewhere() ? *this : Seen{target, on_server};
  }
};

// A further fault of a case.
struct Companion {
  std::string fault;
  Params params;
  event::WindowDef window;
  aim::Offset offset;
  Shot shot;
  std::string target;
  bool on_server = true;
  Seen seen = {};               // empty: the window is the target's own
  bool after_previous = false;  // armed once the fault before it was applied and is undone
  bool next_boot = false;       // sleeps on the node until a fault boots it, and for one boot only
  std::string stretch = {};     // as in FaultChoice
  bool with_keys = false;       // as in FaultChoice

  Json to_json() const;
};

// One cell of the matrix. The name is the same for the same cell in every run: no seed, time or
// host in it.
struct Case {
  std::string name;
  std::string suite;
  std::size_t index = 0;
  Version from;
  Version to;
  bool by_reboot = false;  // see Path; its faults wait for the next boot
  Expect expect = Expect::pass;
  std::string issue;
  std::vector<std::string> because;  // with expect: fail, one of these checks is what must fail
  std::string fatal;
  std::string fault;
  Params params;
  std::string stretch;      // of the fault, as in FaultChoice
  bool with_keys = false;   // the same
  event::WindowDef window;  // empty name: no window (fault none)
  std::shared_ptr<const Watched> watched;
  aim::Offset offset;
  // What the offset comes to, on this hop and target; a sweep has one per trial.
  Shot shot;
  std::optional<aim::SweepPlan> sweep;
  std::shared_ptr<const aim::Lengths> lengths;
  // With --replay: what to shoot again, one trial each, in this order.
  std::vector<Shot> again;
  std::string target;  // node name
  bool on_server = true;
  Seen seen;  // empty: the window is the target's own
  std::vector<Companion> companions;
  int hits = 1;
  int attempts = 5;
  Budget budget;

  // All windows that the version has on servers, or on agents.
  const std::vector<event::WindowDef>& windows_on(bool server) const;
  // Those of them that are followed on a node of the inventory.
  const std::vector<event::WindowDef>& followed_on(std::string_view node, bool server) const;

  // What stretches that node's windows for the fault that is aimed: the others of the case. Null:
  // the first one is aimed.
  aim::Stretch stretch_on(const std::string& node, const Companion* aimed) const;

  // Of that node's start in this case that the fault is aimed at: what waits for the next boot is
  // aimed at one of the second version.
  aim::Where where(const std::string& node, const Companion* aimed) const;

  // "v1 to v2"
  std::string hop() const { return hop_text(from.tag(), to.tag(), by_reboot); }

  // Whether a fault of the case so far reboots that node.
  bool reboots(const std::string& node) const;

  // What the trigger of that fault of this case has to wait for. invalid_input when nothing was
  // learned to count back from.
  Result<aim::Anchor> anchor_on(const event::WindowDef& of,
                                const aim::Aim& aim,
                                const std::string& node,
                                bool server,
                                const Companion* aimed) const;
  // The same for the first fault.
  Result<Shot> shot_at(const aim::Aim& aim) const;

  Json to_json() const;
};

// A name holds the values of the faults' parameters, and their keys where the suite names such a
// fault with the same values of other parameters, too.
std::string name_of(const Case& cell);

struct Excluded {
  std::string name;
  std::string reason;
};

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Case> cases;
  std::vector<Excluded> excluded;

  Json to_json() const;
};

struct PlanOptions {
  std::uint64_t seed = 0;
  bool shuffle = false;                         // order drawn from the seed, else the suites' own
  std::string filter = "*";                     // glob over case names
  std::shared_ptr<const aim::Lengths> lengths;  // null: nothing was learned
  // False: what the offsets come to stays open, for a caller who has the anchors already. Such
  // cases cannot run as they are.
  bool aimed = true;
};

Result<Plan> make(const std::vector<Suite>& suites,
                  const inventory::Inventory& inventory,
                  const std::vector<WindowPack>& packs,
                  const PlanOptions& options);

}  // namespace harness::plan
