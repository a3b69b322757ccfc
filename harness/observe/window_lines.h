// What `windows watch` shows: the events of node streams in, one line (or JSON object) per window
// that opened or closed, and per thing that a node could not see of itself.
//
// Pure, for one thread at a time. Times are those of the node's clock. A window that was open
// before the watching began is not known and its closing is not told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"

namespace harness::observe {

class WindowLines {
 public:
  // {"type": "window", "node", "window", "op": opened | closed, "at", "wall_us", "mono_us",
  // "boot_id", "invocation", "marker"}; a closing has "length_us" and "cut". Or {"type": "problem",
  // "node", "kind", "line"}, or {"type": "boot" | "build", "node", ...}: it booted; it starts
  // another build than `watching` said. Null for events of which nothing is to be shown.
  Json take(const Json& event);

  // The build whose windows are looked for on the node.
  void watching(const std::string& node, const std::string& tag) { tags_[node] = tag; }

  // What is open at a moment of this machine's clock, with its age: "cp-1 start-up-hooks 1.2s".
  // Empty when nothing is.
  std::string open(std::int64_t wall_us) const;

 private:
  struct Node {
    std::string boot_id;
    std::int64_t clock_offset_us = 0;
  };

  Json window(const Json& event);
  Json build(const Json& event);

  std::map<std::string, Node> nodes_;
  std::map<std::string, std::string> tags_;
  std::map<std::pair<std::string, std::string>, Json> open_;  // node and window -> the opening
};

// A line of text of what take() gave.
std::string text_of(const Json& shown);

}  // namespace harness::observe
