#include <algorithm>

#include <fmt/format.h>

#include "harness/base/restart.h"
#include "harness/base/result.h"
#include "harness/plan/plan.h"

namespace harness::plan {

Json to_json(const aim::Anchor& anchor) {
  Json out = {{"marker_of", anchor.marker_of},
              {"open", Json::array()},
              {"close", Json::array()},
              {"offset_us", anchor.offset.count()}};
  for (const event::Marker& marker : anchor.open) {
    out["open"].push_back(event::to_json(marker));
  }
  for (const event::Marker& marker : anchor.close) {
    out["close"].push_back(event::to_json(marker));
  }
  return out;
}

Result<aim::Anchor> anchor_from_json(const Json& json) {
  aim::Anchor out{.marker_of = json_string(json, "marker_of"),
                  .open = {},
                  .close = {},
                  .offset = Microseconds(json_int(json, "offset_us"))};
  for (const auto& [key, markers] :
       {std::pair("open", &out.open), std::pair("close", &out.close)}) {
    for (const Json& one : json.value(key, Json::array())) {
      TRY_ASSIGN(event::Marker marker, event::marker_from_json(one), "anchor");
      markers->push_back(std::move(marker));
    }
  }
  if (out.open.empty()) {
    return fail(ErrorCode::invalid_input, "an anchor without a marker");
  }
  return out;
}

namespace {

std::string obstacle_of(const aim::Offset& at, const Seen& seen, bool waits) {
  return at.kind == aim::Offset::Kind::sweep ? "what stretches it is swept"
         : seen.elsewhere()                  ? "what stretches it waits for " + seen.node
         : waits                             ? "what stretches it is not armed before the step"
                                             : "";
}

}  // namespace

Json Companion::to_json() const {
  Json out = {{"fault", fault},
              {"params", params},
              {"window", window.name},
              {"offset", aim::to_string(offset)},
              {"target", target},
              {"after", after_previous ? "previous" : "nothing"},
              {"boot", next_boot ? "next" : "same"}};
  if (seen.elsewhere()) {
    out["while"] = seen.node;
  }
  return out;
}

Watched Watched::of(const std::vector<WindowPack>& packs,
                    const Version& version,
                    const inventory::Inventory& inventory) {
  Watched out{.on_servers = *windows_for(packs, version, "server"),
              .on_agents = *windows_for(packs, version, "agent"),
              .on = {}};
  for (const inventory::Node& node : inventory.nodes) {
    out.on[node.name] = *windows_on(
        packs, version, node.server ? "server" : "agent", inventory.conditions_of(node));
  }
  return out;
}

const std::vector<event::WindowDef>& Case::windows_on(bool server) const {
  static const Watched kNothing;
  const Watched& all = watched ? *watched : kNothing;
  return server ? all.on_servers : all.on_agents;
}

const std::vector<event::WindowDef>& Case::followed_on(std::string_view node, bool server) const {
  if (watched) {
    if (const auto known = watched->on.find(node); known != watched->on.end()) {
      return known->second;
    }
  }
  return windows_on(server);
}

bool Case::reboots(const std::string& node) const {
  return (fault == "reboot" && target == node) ||
         std::ranges::any_of(companions, [&](const Companion& one) {
           return one.fault == "reboot" && one.target == node;
         });
}

// What is armed before the step ends with the boot, and stretches nothing in it.
aim::Stretch Case::stretch_on(const std::string& node, const Companion* aimed) const {
  const bool in_boot = aimed != nullptr && aimed->next_boot;
  aim::Stretch out;
  const auto add = [&](const std::string& one,
                       const std::string& in,
                       const aim::Offset& at,
                       const std::string& obstacle) {
    if (one.empty()) {
      return;
    }
    const bool more = static_cast<bool>(out);
    out.fault += (more ? " and " : "") + one;
    out.window = in;
    out.offset = aim::to_string(at);
    out.obstacle = more ? "more than one fault stretches it" : obstacle;
  };
  if (aimed != nullptr && !in_boot && target == node) {
    add(stretch, window.name, offset, obstacle_of(offset, seen, false));
  }
  for (const Companion& one : companions) {
    const bool waits = one.after_previous || one.next_boot;
    if (&one != aimed && one.target == node && (waits || !in_boot)) {
      add(one.stretch, one.window.name, one.offset, obstacle_of(one.offset, one.seen, waits));
    }
  }
  return out;
}

aim::Where Case::where(const std::string& node, const Companion* aimed) const {
  const bool in_boot = aimed != nullptr && aimed->next_boot;
  return {
      node, (in_boot ? to : from).tag(), to.tag(), by_reboot || in_boot, stretch_on(node, aimed)};
}

Result<aim::Anchor> Case::anchor_on(const event::WindowDef& of,
                                    const aim::Aim& aim,
                                    const std::string& node,
                                    bool server,
                                    const Companion* aimed) const {
  static const aim::Lengths kNone;
  TRY_ASSIGN(
      aim::Anchor out,
      aim::anchor(aim, of, windows_on(server), lengths ? *lengths : kNone, where(node, aimed)),
      "aim");
  return out;
}

Result<Shot> Case::shot_at(const aim::Aim& aim) const {
  if (window.name.empty()) {
    return Shot{};
  }
  const auto [node, server] = seen.or_own(target, on_server);
  Shot out;
  out.aim = aim;
  TRY_ASSIGN(out.anchor, anchor_on(window, aim, node, server, nullptr), "");
  if (const auto learned =
          lengths ? lengths->length(window.name, where(node, nullptr)) : std::nullopt) {
    out.learned_us = learned->median.count();
  }
  return out;
}

Json Case::to_json() const {
  Json out = {{"name", name},
              {"suite", suite},
              {"path", {from.tag(), to.tag()}},
              {"expect", std::string(to_string(expect))},
              {"issue", issue},
              {"because", because},
              {"fatal", fatal},
              {"fault", fault},
              {"params", params},
              {"window", window.name},
              {"offset", aim::to_string(offset)},
              {"target", target},
              {"hits", hits},
              {"attempts", attempts}};
  put_by_reboot(out, by_reboot);
  if (seen.elsewhere()) {
    out["while"] = seen.node;
  }
  for (const Companion& one : companions) {
    out["companions"].push_back(one.to_json());
  }
  return out;
}

Json Plan::to_json() const {
  Json out = {{"seed", seed}, {"cases", Json::array()}, {"excluded", Json::array()}};
  for (const Case& cell : cases) {
    out["cases"].push_back(cell.to_json());
  }
  for (const Excluded& cell : excluded) {
    out["excluded"].push_back({{"name", cell.name}, {"reason", cell.reason}});
  }
  return out;
}

}  // namespace harness::plan
