#include "harness/plan/aiming.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/targets.h"

namespace harness::plan {
namespace {

std::string_view role_of(const inventory::Node& node) {
  return node.server ? "server" : "agent";
}

std::optional<Microseconds> learned_length(const Case& cell,
                                           const std::string& window,
                                           const aim::Where& where) {
  const auto learned = cell.lengths ? cell.lengths->length(window, where) : std::nullopt;
  return learned ? std::optional(learned->median) : std::nullopt;
}

Result<aim::Aim> resolve_on(const Case& cell,
                            const aim::Offset& offset,
                            const std::string& window,
                            const aim::Where& where) {
  const auto length = learned_length(cell, window, where);
  if (offset.needs_length() && !length) {
    return fail(ErrorCode::invalid_input,
                fmt::format("offset {} needs the length of {} on {} from {} to {}, which has not "
                            "been learned; `hookshot windows learn --from {} --to {} -i INVENTORY` "
                            "learns it",
                            aim::to_string(offset),
                            window,
                            where.node,
                            where.from,
                            where.to,
                            where.from,
                            where.to));
  }
  TRY_ASSIGN(const aim::Aim out, aim::resolve(offset, length), "offset");
  return out;
}

}  // namespace

bool check_window(const Watched& watched,
                  const Named& window,
                  const Version& version,
                  yaml::Problems& problems) {
  const auto has = [&](const std::vector<event::WindowDef>& windows) {
    return std::ranges::find(windows, window.text, &event::WindowDef::name) != windows.end();
  };
  if (has(watched.on_servers) || has(watched.on_agents)) {
    return true;
  }
  problems.add(at(window.place),
               fmt::format("{0} has no window '{1}'; `hookshot windows --of {0}` lists them",
                           version.tag(),
                           window.text));
  return false;
}

FoundWindow find_window(const WindowPack& pack,
                        const std::string& name,
                        const Version& version,
                        const inventory::Node& node,
                        const inventory::Inventory& inventory) {
  FoundWindow out;
  out.window.name = name;
  const auto entry = std::ranges::find_if(pack.entries, [&](const WindowPack::Entry& one) {
    return one.window.name == name && one.role == role_of(node) && one.holds_for(version);
  });
  if (entry != pack.entries.end()) {
    out.window = entry->window;
    if (!entry->condition.empty() && !inventory.conditions_of(node).contains(entry->condition)) {
      out.impossible = fmt::format("window '{}' comes only with '{}', which {} does not say of {}",
                                   name,
                                   entry->condition,
                                   inventory.file,
                                   node.name);
    }
  } else if (!name.empty()) {
    out.impossible = fmt::format("{} is {}, which has no window '{}'",
                                 node.name,
                                 node.server ? "a server" : "an agent",
                                 name);
  }
  return out;
}

// What an offset comes to on this hop and target. Only of cells that are planned: a percentage of
// a window that is left out needs no length.
Status aim_at(const OffsetChoice& offset, Case& cell) {
  if (cell.window.name.empty()) {
    return {};
  }
  const aim::Where where{cell.target, cell.from.tag(), cell.to.tag()};
  TRY_ASSIGN(const aim::Aim aim, resolve_on(cell, offset.at, cell.window.name, where), "");
  TRY_ASSIGN(cell.shot, cell.shot_at(aim), "offset");
  if (offset.at.kind == aim::Offset::Kind::sweep) {
    cell.sweep = offset.sweep;
    cell.sweep->length = *learned_length(cell, cell.window.name, where);
    if (cell.sweep->resolution.count() == 0) {
      cell.sweep->resolution = std::max(Microseconds(1000), cell.sweep->length / 20);
    }
    const aim::Aim before{aim::Aim::Where::before, cell.sweep->resolution};
    cell.sweep->before = cell.sweep->around && cell.shot_at(before).has_value();
  }
  return {};
}

Status aim_companion(const Case& cell, Companion& one) {
  const aim::Where where{one.target, cell.from.tag(), cell.to.tag()};
  TRY_ASSIGN(one.shot.aim, resolve_on(cell, one.offset, one.window.name, where), "");
  TRY_ASSIGN(
      one.shot.anchor, cell.anchor_on(one.window, one.shot.aim, one.target, one.on_server), "");
  return {};
}

void add_companions(const Suite& suite,
                    const WindowPack& pack,
                    const inventory::Inventory& inventory,
                    Case& cell,
                    std::string& impossible,
                    yaml::Problems& problems) {
  for (const FurtherFault& more : suite.further) {
    const std::string& name = more.target.text.empty() ? cell.target : more.target.text;
    const auto node = std::ranges::find(inventory.nodes, name, &inventory::Node::name);
    if (node == inventory.nodes.end()) {
      problems.add(at(more.target.place), fmt::format("{} has no node '{}'", inventory.file, name));
      return;
    }
    if (!check_window(*cell.watched, more.window, cell.to, problems)) {
      return;
    }
    FoundWindow found = find_window(pack, more.window.text, cell.to, *node, inventory);
    if (impossible.empty()) {
      impossible = found.impossible;
    }
    if (impossible.empty() && more.next_boot && !cell.reboots(name)) {
      impossible = fmt::format(
          "{} in the next boot needs a fault before it that reboots {}", more.fault.name, name);
    }
    cell.companions.push_back({.fault = more.fault.name,
                               .params = more.fault.params,
                               .window = std::move(found.window),
                               .offset = more.offset.at,
                               .shot = {},
                               .target = name,
                               .on_server = node->server,
                               .after_previous = more.after_previous,
                               .next_boot = more.next_boot});
  }
}

}  // namespace harness::plan
