// Windows, and the spans during which they were open. A span belongs to one invocation of the
// service in one boot of one node; a window may open and close several times in an invocation, and
// every span is kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/event/marker.h"

namespace harness::event {

// A window as data: opened by the first of `open`, closed by the last of `close` that comes.
struct WindowDef {
  std::string name;
  std::vector<Marker> open;
  std::vector<Marker> close;
  std::string description;

  bool operator==(const WindowDef&) const = default;
};

struct WindowMoment {
  std::string window;
  bool opened = false;  // else closed
  bool cut = false;     // closed because the invocation ended, not by its marker
  std::string invocation;
  std::string boot_id;
  std::int64_t wall_us = 0;
  std::int64_t mono_us = 0;
  std::string marker;  // what was seen, for people

  // The event `window`, without node.
  Json to_json() const;
};

// Follows the facts of ONE node in order. Manifest and container facts carry no invocation: they
// belong to the one that wrote to the journal last. Only journal facts change the invocation (unit
// facts are polled and may lag). A new invocation, a boot, or the unit failing cuts what is open.
class SpanTracker {
 public:
  explicit SpanTracker(std::vector<WindowDef> windows) : windows_(std::move(windows)) {}

  std::vector<WindowMoment> feed(const Json& fact);

  const std::string& invocation() const { return invocation_; }

 private:
  void cut_all(const Json& fact, std::vector<WindowMoment>& out);

  std::vector<WindowDef> windows_;
  std::map<std::string, WindowMoment> open_;  // by window
  std::string invocation_;
  std::string boot_id_;
};

}  // namespace harness::event
