#include "harness/guard/snapshot.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include "harness/guard/action_netem.h"
#include "harness/guard/nft_table.h"

namespace harness::guard {
namespace {

constexpr int kLookMs = 200;
constexpr std::size_t kMostTold = 12;
constexpr std::size_t kMostNamed = 3;
constexpr std::int64_t kClockUs = 500'000;

bool lists(const Json& held, const char* key, const Json& wanted) {
  const auto list = held.find(key);
  return list != held.end() && list->is_array() && std::ranges::find(*list, wanted) != list->end();
}

bool is_hidden_by(const std::string& path, const std::string& id) {
  return path.find("/.hookshot-" + id + "-") != std::string::npos;
}

bool is_our_quota(const std::string& file, const std::string& limit, const Json& held) {
  std::int64_t percent = 0;
  std::int64_t quota = 0;
  const std::string how = json_string(held, "ours");
  std::from_chars(how.data(), how.data() + how.size(), percent);
  std::from_chars(limit.data(), limit.data() + limit.size(), quota);
  // In the kernel's microseconds of 100 ms, which is systemd's period.
  return file.find("/cpu.") != std::string::npos && percent > 0 && quota == percent * 1000;
}

bool is_frozen_by(const std::string& process, const Json& held) {
  const auto list = held.find("processes");
  if (list == held.end() || !list->is_array()) {
    return false;
  }
  return std::ranges::any_of(*list, [&](const Json& one) {
    return process == fmt::format("{}:{}", json_int(one, "pid"), json_int(one, "start_ticks"));
  });
}

// What only this fault makes, or what it alone is known to have put there.
bool is_ours(const Difference& seen, const std::string& id, const Json& held, bool booted) {
  const std::size_t space = seen.what.find(' ');
  const std::string group = seen.what.substr(0, space);
  const std::string what = seen.what.substr(space + 1);
  const std::string kind = json_string(held, "kind");
  if (booted && group != "file" && group != "name") {
    return false;  // the boot took it back, whatever looks like it
  }
  if (group == "service") {
    return seen.is != "active" &&
           (kind == "stopped" ? what == json_string(held, "unit") : lists(held, "keepers", what));
  }
  if (seen.is.empty()) {
    return false;
  }
  if (group == "table") {
    return what == "inet " + table_of(id);
  }
  if (group == "qdisc") {
    return kind == "netem" && lists(held, "devices", what.substr(0, what.find(' '))) &&
           (seen.is.find(kRootHandle) != std::string::npos ||
            seen.is.find(kNetemHandle) != std::string::npos);
  }
  if (group == "limit") {
    return kind == "slowed" ? is_our_quota(what, seen.is, held)
                            : kind == "throttled" && what == json_string(held, "file") &&
                                  seen.is.find(json_string(held, "limit")) != std::string::npos;
  }
  if (group == "file") {
    const std::string ours = json_string(held, "ours");
    return (kind == "manifest" || kind == "certificate") && !ours.empty() &&
           what == json_string(held, "path") && read_whole(what).value_or("") == ours;
  }
  if (group == "name") {
    return is_hidden_by(what, id);
  }
  if (group == "unit") {
    return what.starts_with("hookshot-trig-" + id + ".") ||
           what.starts_with("hookshot-hog-" + id + ".");
  }
  return group == "stopped" && is_frozen_by(what, held);
}

std::int64_t lead_us(const Json& snapshot) {
  return json_int(snapshot, "wall_us") - json_int(snapshot, "boot_us");
}

void compare_clocks(const Json& before,
                    const Json& after,
                    const ArmRecord& record,
                    std::vector<Difference>& out) {
  if (json_string(before, "boot_id") != json_string(after, "boot_id")) {
    return;  // each boot begins anew by the machine's own clock
  }
  const std::int64_t moved = lead_us(after) - lead_us(before);
  if (std::abs(moved) <= kClockUs) {
    return;
  }
  const auto offset = record.action.amounts.find("offset_ms");
  const std::int64_t jumped = offset == record.action.amounts.end() ? 0 : offset->second * 1000;
  out.push_back({.what = "clock",
                 .was = "0 ms",
                 .is = fmt::format("{} ms", moved / 1000),
                 .ours = record.action.kind == Action::Kind::clock &&
                         std::abs(moved - jumped) < std::abs(jumped) / 2});
}

std::string text_of(const Difference& one) {
  return fmt::format("{}: was '{}', is '{}'", one.what, one.was, one.is);
}

std::string unread_in(const Json& before, const Json& after) {
  std::vector<std::string> out;
  for (const Json* one : {&before, &after}) {
    const Json unread = json_object(*one, "unread");
    for (const auto& [group, why] : unread.items()) {
      if (std::ranges::find(out, group) == out.end()) {
        out.push_back(group);
      }
    }
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

std::vector<Difference> differences(const Json& before,
                                    const Json& after,
                                    const ArmRecord& record,
                                    const Json& held) {
  const Json was = json_object(before, "entries");
  const Json is = json_object(after, "entries");
  const std::string struck_in = json_string(held, "boot_id");
  const bool booted = !struck_in.empty() && struck_in != json_string(after, "boot_id");
  std::vector<Difference> out;
  const auto compared = [&](const std::string& what) {
    const std::string group = what.substr(0, what.find(' '));
    return !json_object(before, "unread").contains(group) &&
           !json_object(after, "unread").contains(group);
  };
  const auto differs = [&](const std::string& what) {
    Difference seen{
        .what = what, .was = json_string(was, what.c_str()), .is = json_string(is, what.c_str())};
    if (seen.was == seen.is || !compared(what)) {
      return;
    }
    seen.ours = is_ours(seen, record.id, held, booted);
    if (seen.ours || !what.starts_with("unit ")) {
      out.push_back(std::move(seen));
    }
  };
  for (const auto& [what, ignored] : was.items()) {
    differs(what);
  }
  for (const auto& [what, ignored] : is.items()) {
    if (!was.contains(what)) {
      differs(what);
    }
  }
  compare_clocks(before, after, record, out);
  return out;
}

Compared compare(const RecordState& state,
                 const Json& before,
                 const Means& means,
                 std::chrono::milliseconds settles,
                 const SnapshotPlaces& places) {
  Compared out;
  if (!before.is_object()) {
    out.summary = "no snapshot was taken before";
    return out;
  }
  const Json held = state.progress.value("held", Json::object());
  const Deadline deadline = Deadline::after(settles);
  Json after = take_snapshot(state.record, means, places);
  auto seen = differences(before, after, state.record, held);
  while (std::ranges::any_of(seen, &Difference::ours) && !deadline.passed()) {
    static_cast<void>(::poll(nullptr, 0, kLookMs));
    after = take_snapshot(state.record, means, places);
    seen = differences(before, after, state.record, held);
  }
  std::vector<std::string> names;
  for (const Difference& one : seen) {
    if (one.ours) {
      out.left.push_back(text_of(one));
    } else {
      names.push_back(one.what);
      if (out.changed.size() < kMostTold) {
        out.changed.push_back(text_of(one));
      }
    }
  }
  const std::size_t named = std::min(names.size(), kMostNamed);
  const std::string more =
      names.size() > named ? fmt::format(" and {} more", names.size() - named) : "";
  names.resize(named);
  if (!out.left.empty()) {
    out.summary = "left of it by the snapshot taken before: " + out.left.dump();
  } else if (names.empty()) {
    out.summary = "the node is as it was before";
  } else {
    out.summary = fmt::format(
        "nothing of it is left; otherwise changed since: {}{}", fmt::join(names, ", "), more);
  }
  if (const std::string unread = unread_in(before, after); !unread.empty()) {
    out.summary += fmt::format(" (not compared: {})", unread);
  }
  return out;
}

}  // namespace harness::guard
