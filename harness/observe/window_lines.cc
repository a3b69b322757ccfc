#include "harness/observe/window_lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/redact.h"
#include "harness/base/time.h"
#include "harness/event/event.h"
#include "harness/event/line.h"

namespace harness::observe {
namespace {

std::string length_text(std::int64_t us) {
  return us < 1'000'000 ? fmt::format("{:.3f}ms", static_cast<double>(us) / 1e3)
                        : fmt::format("{:.3f}s", static_cast<double>(us) / 1e6);
}

// The service's own "Starting rke2 [agent] <tag> (<commit>)".
std::string tag_of(const Json& event) {
  if (json_string(event, "ident") != "rke2" || json_bool(event, "initial")) {
    return {};
  }
  const std::string msg = event::parse_line(json_string(event, "line")).msg;
  for (const std::string_view front : {"Starting rke2 agent v", "Starting rke2 v"}) {
    if (msg.starts_with(front)) {
      const std::size_t begin = front.size() - 1;
      return msg.substr(begin, std::min(msg.find(' ', begin), msg.size()) - begin);
    }
  }
  return {};
}

}  // namespace

Json WindowLines::window(const Json& event) {
  Json out = event;
  out["at"] = format_wall(json_int(event, "wall_us"));
  out.erase("seq");
  const std::pair key(json_string(event, "node"), json_string(event, "window"));
  if (json_string(event, "op") == "opened") {
    open_[key] = event;
    out.erase("cut");
    return out;
  }
  const auto opening = open_.find(key);
  if (opening == open_.end()) {
    return {};
  }
  // The end of an invocation may lie in the next boot, whose monotonic clock began anew.
  const char* clock = json_bool(event, "cut") ? "wall_us" : "mono_us";
  out["length_us"] =
      std::max<std::int64_t>(0, json_int(event, clock) - json_int(opening->second, clock));
  open_.erase(opening);
  return out;
}

Json WindowLines::build(const Json& event) {
  const std::string tag = tag_of(event);
  const std::string node = json_string(event, "node");
  const auto known = tags_.find(node);
  if (tag.empty() || known == tags_.end() || known->second == tag) {
    return {};
  }
  return {{"type", "build"}, {"node", node}, {"starts", tag}, {"windows_of", known->second}};
}

Json WindowLines::take(const Json& event) {
  const std::string type = json_string(event, "type");
  const std::string node = json_string(event, "node");
  if (type == event::type::kWindow) {
    return window(event);
  }
  if (type == event::type::kJournal) {
    return build(event);
  }
  if (type == event::type::kNodeFacts) {
    Node& known = nodes_[node];
    const std::string boot = json_string(event, "boot_id");
    const bool booted = !known.boot_id.empty() && known.boot_id != boot;
    known = {boot, json_int(event, "clock_offset_us")};
    return booted ? Json{{"type", "boot"}, {"node", node}, {"boot_id", boot}} : Json();
  }
  if (type == event::type::kJournalProblem || type == event::type::kContainerProblem ||
      type == event::type::kProcessProblem) {
    return {{"type", "problem"}, {"node", node}, {"kind", type}, {"line", event.value("line", "")}};
  }
  return {};
}

std::string WindowLines::open(std::int64_t wall_us) const {
  std::string out;
  for (const auto& [key, opening] : open_) {
    const auto node = nodes_.find(key.first);
    const std::int64_t there = wall_us + (node == nodes_.end() ? 0 : node->second.clock_offset_us);
    const std::int64_t age = std::max<std::int64_t>(0, there - json_int(opening, "wall_us"));
    out += fmt::format("{}{} {} {:.1f}s",
                       out.empty() ? "" : ", ",
                       key.first,
                       key.second,
                       static_cast<double>(age) / 1e6);
  }
  return out;
}

std::string text_of(const Json& shown) {
  const std::string type = json_string(shown, "type");
  const std::string node = json_string(shown, "node");
  if (type == "boot") {
    return fmt::format("{}: has booted, and is watched again", node);
  }
  if (type == "build") {
    return fmt::format("{}: starts {}; the windows shown are those of {}, --of takes another",
                       node,
                       json_string(shown, "starts"),
                       json_string(shown, "windows_of"));
  }
  if (type == "problem") {
    return fmt::format("{}: {}: {}", node, json_string(shown, "kind"), json_string(shown, "line"));
  }
  const std::string op = json_bool(shown, "cut") ? "cut" : json_string(shown, "op");
  return redact(fmt::format(
      "{}  {:<8} {:<6} {:<18} {:>11}  {:.8}  {}",
      json_string(shown, "at"),
      node,
      op,
      json_string(shown, "window"),
      shown.contains("length_us") ? length_text(json_int(shown, "length_us")) : std::string(),
      json_string(shown, "invocation", "-"),
      json_string(shown, "marker")));
}

}  // namespace harness::observe
