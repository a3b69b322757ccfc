#include "harness/event/span.h"

#include <algorithm>

namespace harness::event {
namespace {

const Marker* first_match(const std::vector<Marker>& markers, const Json& fact) {
  const auto found =
      std::ranges::find_if(markers, [&](const Marker& marker) { return matches(marker, fact); });
  return found == markers.end() ? nullptr : &*found;
}

WindowMoment moment(const WindowDef& window,
                    const Json& fact,
                    const std::string& invocation,
                    const std::string& boot_id) {
  return {.window = window.name,
          .opened = true,
          .cut = false,
          .invocation = invocation,
          .boot_id = boot_id,
          .wall_us = json_int(fact, "wall_us"),
          .mono_us = json_int(fact, "mono_us"),
          .marker = {}};
}

}  // namespace

Json WindowMoment::to_json() const {
  return {{"type", "window"},
          {"window", window},
          {"op", opened ? "opened" : "closed"},
          {"cut", cut},
          {"invocation", invocation},
          {"boot_id", boot_id},
          {"wall_us", wall_us},
          {"mono_us", mono_us},
          {"marker", marker}};
}

void SpanTracker::cut_all(const Json& fact, std::vector<WindowMoment>& out) {
  for (auto& [name, opening] : open_) {
    WindowMoment closing = opening;
    closing.opened = false;
    closing.cut = true;
    closing.wall_us = json_int(fact, "wall_us");
    closing.mono_us = json_int(fact, "mono_us");
    closing.marker = "the invocation ended";
    out.push_back(std::move(closing));
  }
  open_.clear();
}

std::vector<WindowMoment> SpanTracker::feed(const Json& fact) {
  std::vector<WindowMoment> out;
  const std::string boot = json_string(fact, "boot_id");
  if (!boot.empty() && boot != boot_id_) {
    cut_all(fact, out);
    boot_id_ = boot;
    invocation_.clear();
  }
  const std::string type = json_string(fact, "type");
  const std::string invocation = json_string(fact, "invocation");
  if (type == "journal" && !invocation.empty() && invocation != invocation_) {
    cut_all(fact, out);
    invocation_ = invocation;
  }
  for (const WindowDef& window : windows_) {
    const auto open = open_.find(window.name);
    if (open == open_.end()) {
      if (const Marker* marker = first_match(window.open, fact)) {
        WindowMoment opening = moment(window, fact, invocation_, boot_id_);
        opening.marker = describe(*marker);
        open_[window.name] = opening;
        out.push_back(std::move(opening));
      }
    } else if (const Marker* marker = first_match(window.close, fact)) {
      WindowMoment closing = moment(window, fact, invocation_, boot_id_);
      closing.opened = false;
      closing.marker = describe(*marker);
      open_.erase(open);
      out.push_back(std::move(closing));
    }
  }
  const std::string active =
      type == "unit" && invocation == invocation_ ? json_string(fact, "active") : "";
  if (active == "failed" || active == "inactive") {
    cut_all(fact, out);
  }
  return out;
}

}  // namespace harness::event
