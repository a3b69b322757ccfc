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

std::string never_learned(const aim::Where& where) {
  const aim::Stretch& stretch = where.stretch;
  if (!stretch) {
    return fmt::format(", which has not been learned; `{}` learns it", aim::how_to_learn(where));
  }
  if (!stretch.obstacle.empty()) {
    return fmt::format(" under {}, which cannot be learned: {}; write a duration",
                       stretch.fault,
                       stretch.obstacle);
  }
  return fmt::format(
      " under {}, which has not been learned, and a natural length is none of it; "
      "`{}` learns it",
      stretch.text(),
      aim::how_to_learn(where));
}

Result<aim::Aim> resolve_on(const Case& cell,
                            const aim::Offset& offset,
                            const std::string& window,
                            const aim::Where& where) {
  const auto length = learned_length(cell, window, where);
  if (offset.needs_length() && !length) {
    return fail(ErrorCode::invalid_input,
                fmt::format("offset {} needs the length of {} on {} from {}{}",
                            aim::to_string(offset),
                            window,
                            where.node,
                            where.hop(),
                            never_learned(where)));
  }
  TRY_ASSIGN(const aim::Aim out, aim::resolve(offset, length), "offset");
  return out;
}

// From outside a window is seen when it opens: nothing can be counted back from there.
Status check_seen(const Seen& seen, const aim::Offset& offset, const aim::Aim& aim) {
  return seen.elsewhere() && aim.where == aim::Aim::Where::before
             ? fail(ErrorCode::invalid_input,
                    fmt::format("offset {} lies before the window, and `while` waits for {} to be "
                                "in it",
                                aim::to_string(offset),
                                seen.node))
             : Status();
}

std::string itself(const std::string& fault, const std::string& node) {
  return fmt::format(
      "{} on {} while {} is in a window is a fault in its own window: leave `while` "
      "out",
      fault,
      node,
      node);
}

}  // namespace

std::string unlike_a_boot(const std::string& key) {
  return fmt::format(
      "`restart: reboot` puts every window into the operator's boot: {} cannot be had", key);
}

const inventory::Node* seen_node(const Named& seen_on,
                                 const inventory::Inventory& inventory,
                                 yaml::Problems& problems) {
  const auto found = std::ranges::find_if(inventory.nodes, [&](const inventory::Node& node) {
    return seen_on.text == "first-server" ? node.server : node.name == seen_on.text;
  });
  if (found != inventory.nodes.end()) {
    return &*found;
  }
  problems.add(at(seen_on.place),
               fmt::format("'while': {} has no node '{}'; write a node's name or first-server",
                           inventory.file,
                           seen_on.text));
  return nullptr;
}

std::string lacking(const std::string& fault,
                    const Params& params,
                    const inventory::Inventory& inventory) {
  const auto how = params.find("how");
  return fault == "reboot" && how != params.end() && how->second == "power" && !inventory.power
             ? fmt::format("reboot how=power needs `power`, which {} does not have", inventory.file)
             : std::string();
}

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
  const aim::Where where = cell.where(cell.seen.or_own(cell.target, cell.on_server).node, nullptr);
  TRY_ASSIGN(const aim::Aim aim, resolve_on(cell, offset.at, cell.window.name, where), "");
  TRY(check_seen(cell.seen, offset.at, aim), "");
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
  const auto [node, server] = one.seen.or_own(one.target, one.on_server);
  const aim::Where where = cell.where(node, &one);
  TRY_ASSIGN(one.shot.aim, resolve_on(cell, one.offset, one.window.name, where), "");
  TRY(check_seen(one.seen, one.offset, one.shot.aim), "");
  TRY_ASSIGN(one.shot.anchor, cell.anchor_on(one.window, one.shot.aim, node, server, &one), "");
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
    const inventory::Node* seen = &*node;
    if (!more.seen_on.text.empty()) {
      seen = seen_node(more.seen_on, inventory, problems);
      if (seen == nullptr) {
        return;
      }
    }
    FoundWindow found = find_window(pack, more.window.text, cell.to, *seen, inventory);
    if (impossible.empty()) {
      impossible = found.impossible;
    }
    if (impossible.empty()) {
      impossible = lacking(more.fault.name, more.fault.params, inventory);
    }
    if (impossible.empty() && !more.seen_on.text.empty() && seen == &*node) {
      impossible = itself(more.fault.name, name);
    }
    if (impossible.empty() && more.next_boot && !cell.reboots(name)) {
      impossible = fmt::format(
          "{} in the next boot needs a fault before it that reboots {}", more.fault.name, name);
    }
    if (impossible.empty() && cell.by_reboot && (more.next_boot || !more.seen_on.text.empty())) {
      impossible = unlike_a_boot(
          fmt::format("`{}` of {}", more.next_boot ? "boot: next" : "while", more.fault.name));
    }
    cell.companions.push_back(
        {.fault = more.fault.name,
         .params = more.fault.params,
         .window = std::move(found.window),
         .offset = more.offset.at,
         .shot = {},
         .target = name,
         .on_server = node->server,
         .seen = more.seen_on.text.empty() ? Seen{} : Seen{seen->name, seen->server},
         .after_previous = more.after_previous,
         .next_boot = more.next_boot,
         .stretch = more.fault.stretch,
         .with_keys = more.fault.with_keys});
  }
}

}  // namespace harness::plan
