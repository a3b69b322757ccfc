#include "harness/guard/orphans.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/guard/action_netem.h"
#include "harness/guard/nft_table.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {
namespace {

constexpr std::array<std::string_view, 3> kUnits = {
    "hookshot-trig-", "hookshot-rv-", "hookshot-hog-"};

// Empty: not a name that we give.
std::string id_of_unit(std::string_view unit) {
  for (const std::string_view prefix : kUnits) {
    for (const std::string_view suffix : {".service", ".timer"}) {
      if (unit.starts_with(prefix) && unit.ends_with(suffix)) {
        const std::string id(
            unit.substr(prefix.size(), unit.size() - prefix.size() - suffix.size()));
        return check_id("id", id) ? id : std::string();
      }
    }
  }
  return {};
}

class Sweep {
 public:
  Sweep(const Store& store, const Means& means)
      : store_(store), means_(means), armed_(store.armed_ids()) {}

  std::vector<Healed> all() {
    units();
    tables();
    qdiscs();
    return std::move(out_);
  }

 private:
  void say(const std::string& what, bool gone, const std::string& summary) {
    out_.push_back({.id = what, .state = gone ? "VERIFIED" : "DIRTY", .summary = summary});
    audit(fmt::format("found {}, of no record: {}", what, summary));
  }

  void say(const std::string& what, const Result<std::string>& done) {
    say(what, done.has_value(), done ? *done : done.error().message());
  }

  bool armed(const std::string& id) const { return std::ranges::find(armed_, id) != armed_.end(); }

  void units() {
    for (const std::string& unit : units_left()) {
      const std::string id = id_of_unit(unit);
      if (id.empty()) {
        say("unit " + unit,
            false,
            "`systemctl list-units 'hookshot-*'` on the node; it is no unit of ours by its name, "
            "or systemd gives no answer");
        continue;
      }
      // An undo of what is over only waits for our lock, to find that out.
      const bool undo = unit.ends_with(".service") && unit.starts_with(kUnits[1]);
      if (!armed(id) && !(undo && there(store_.done_dir() + "/" + id))) {
        unit_of_ours(unit);
      }
    }
  }

  void unit_of_ours(const std::string& unit) {
    const Activity found = activity_of_unit(unit);
    const bool gone = stopped(unit) == Activity::inactive;
    if (found == Activity::inactive && gone) {
      return;  // it was over, and only its name was kept
    }
    say("unit " + unit,
        gone,
        gone ? "it belonged to no record; stopped, read back"
             : fmt::format("it belongs to no record and does not end; `systemctl kill -s KILL {}` "
                           "on the node",
                           unit));
  }

  void tables() {
    const auto found = tables_left(means_);
    if (!found) {
      say("tables of nft", false, found.error().message());
      return;
    }
    std::vector<std::string> kept;
    for (const std::string& id : armed_) {
      kept.push_back("inet " + table_of(id));
    }
    for (const std::string& table : *found) {
      if (std::ranges::find(kept, table) != kept.end()) {
        continue;
      }
      const std::string name = table.substr(table.find(' ') + 1);
      if (table != "inet " + name || !is_table_of_ours(name)) {
        say("nft table " + table,
            false,
            fmt::format("it has our prefix, but is not made as ours are, and is left alone; `nft "
                        "delete table {}` if nobody needs it",
                        table));
        continue;
      }
      say("nft table " + table, release_table(held_table(name), means_));
    }
  }

  // A device whose qdisc an armed record has to put back.
  bool held(const std::string& device) const {
    return std::ranges::any_of(armed_, [&](const std::string& id) {
      const auto progress = store_.progress_of(id);
      const Json what = progress ? json_object(*progress, "held") : Json::object();
      const auto devices = what.find("devices");
      return json_string(what, "kind") == "netem" && devices != what.end() && devices->is_array() &&
             std::ranges::find(*devices, Json(device)) != devices->end();
    });
  }

  void qdiscs() {
    const auto all = read_qdiscs(means_);
    if (!all) {
      if (all.error().code() != ErrorCode::not_supported) {
        say("qdiscs of tc", false, all.error().message());
      }
      return;
    }
    for (const Qdisc& one : *all) {
      const bool root = one.kind == "prio" && one.handle == kRootHandle && one.parent.empty();
      const bool below = one.kind == "netem" && one.handle == kNetemHandle;
      if ((!root && !below) || held(one.device)) {
        continue;
      }
      const std::string what = fmt::format("qdisc {} {} on {}", one.kind, one.handle, one.device);
      if (root) {
        root_of_ours(*all, one.device, what);
      } else if (find_qdisc(*all, one.device, "prio", kRootHandle) == nullptr) {
        say(what, false, "it has our handle, but does not stand below a root of ours: left alone");
      }
    }
  }

  void root_of_ours(const std::vector<Qdisc>& all,
                    const std::string& device,
                    const std::string& what) {
    const auto foreign = std::ranges::find_if(all, [&](const Qdisc& one) {
      return one.device == device && one.parent.starts_with(kRootHandle) && one.handle != "0:" &&
             !(one.kind == "netem" && one.handle == kNetemHandle);
    });
    if (foreign != all.end()) {
      say(what,
          false,
          fmt::format("somebody put {} {} below it, so it is left alone; `tc qdisc del dev {} root "
                      "handle {}` ends both",
                      foreign->kind,
                      foreign->handle,
                      device,
                      kRootHandle));
      return;
    }
    say(what, delete_root(device, means_));
  }

  const Store& store_;
  const Means& means_;
  const std::vector<std::string> armed_;
  std::vector<Healed> out_;
};

}  // namespace

std::vector<Healed> sweep(const Store& store, const Means& means) {
  return Sweep(store, means).all();
}

}  // namespace harness::guard
