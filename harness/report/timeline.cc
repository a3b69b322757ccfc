#include "harness/report/timeline.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "harness/base/time.h"
#include "harness/report/report.h"

namespace harness::report {
namespace {

constexpr int kWidth = 1000;
constexpr int kLane = 20;
constexpr int kLabel = 210;
constexpr std::size_t kMostBars = 300;  // of one lane
constexpr std::size_t kMostLanes = 80;
constexpr std::int64_t kCloseUpUs = 3'000'000;  // before and after the effect

enum class Lane { window, fault, invocation, container, gap };

struct Bar {
  std::int64_t from;
  std::int64_t to;
  const char* css;
  std::string title;
};

// Lanes sort by node, then by kind.
struct LaneKey {
  std::string node;
  Lane kind;
  std::string name;

  auto operator<=>(const LaneKey&) const = default;
};

double seconds(std::int64_t us) {
  return static_cast<double>(us) / 1e6;
}

// Without a copy: most events are probes that say what the one before said.
std::string_view text_of(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string()
             ? std::string_view(found->get_ref<const std::string&>())
             : std::string_view();
}

class Timeline {
 public:
  explicit Timeline(const std::vector<Json>& events);

  std::string svg(std::int64_t from, std::int64_t to) const;

  bool empty() const { return lanes_.empty(); }

  std::int64_t first() const { return first_; }

  std::int64_t last() const { return last_; }

  std::int64_t effect() const { return effect_; }

 private:
  struct ProbeState {
    std::string node;
    std::string probe;
    bool ok = true;
  };

  struct Open {
    std::int64_t at;
    const char* css;
    std::string title;
  };

  void see(const Json& event);
  void see_fault(const Json& event, const std::string& node);
  void see_probe(const Json& event, std::int64_t at);
  void see_journal(const Json& event, const std::string& node, std::int64_t at);
  void open(LaneKey key, std::int64_t at, const char* css, std::string title);
  void close(const LaneKey& key, std::int64_t at, const std::string& more = {});
  void tick(const LaneKey& key, std::int64_t at, const char* css, std::string title);
  void bar(const LaneKey& key, Bar one);

  std::map<LaneKey, std::vector<Bar>> lanes_;
  std::map<LaneKey, Open> open_;
  std::map<std::string, std::string> invocation_;  // by node
  std::vector<ProbeState> probes_;
  std::map<std::string, bool> faults_seen_;
  std::int64_t first_ = INT64_MAX;
  std::int64_t last_ = 0;
  std::int64_t effect_ = 0;
};

void Timeline::bar(const LaneKey& key, Bar one) {
  first_ = std::min(first_, one.from);
  last_ = std::max(last_, one.to);
  if (!lanes_.contains(key) && lanes_.size() >= kMostLanes) {
    return;
  }
  auto& bars = lanes_[key];
  if (bars.size() < kMostBars) {
    bars.push_back(std::move(one));
  }
}

void Timeline::open(LaneKey key, std::int64_t at, const char* css, std::string title) {
  open_.emplace(std::move(key), Open{at, css, std::move(title)});
}

void Timeline::close(const LaneKey& key, std::int64_t at, const std::string& more) {
  if (const auto found = open_.find(key); found != open_.end()) {
    bar(key, {found->second.at, at, found->second.css, found->second.title + more});
    open_.erase(found);
  }
}

void Timeline::tick(const LaneKey& key, std::int64_t at, const char* css, std::string title) {
  bar(key, {at, at, css, std::move(title)});
}

void Timeline::see_fault(const Json& event, const std::string& node) {
  constexpr std::pair<const char*, const char*> kMoments[] = {
      {"armed", "i"}, {"opened", "w"}, {"seen", "i"}, {"begun", "f"}, {"effect", "f"}};
  const std::string fault = json_string(event, "fault");
  for (const auto& [moment, css] : kMoments) {
    const auto stamp = event.find(moment);
    if (stamp == event.end() || !stamp->is_object()) {
      continue;
    }
    const std::int64_t at = json_int(*stamp, "wall_us");
    if (faults_seen_.emplace(fmt::format("{} {} {}", node, moment, at), true).second && at != 0) {
      tick({node, Lane::fault, "fault"}, at, css, fault + " " + moment);
      effect_ = std::string_view(moment) == "effect" ? at : effect_;
    }
  }
}

void Timeline::see_journal(const Json& event, const std::string& node, std::int64_t at) {
  const std::string id = json_string(event, "invocation");
  const std::string line = json_string(event, "line");
  const LaneKey lane{node, Lane::invocation, "service"};
  if (!id.empty() && invocation_[node] != id) {
    close(lane, at);
    invocation_[node] = id;
    open(lane, at, "i", "invocation " + id.substr(0, 8));
  }
  if (line.find("Main process exited") != std::string::npos) {
    close(lane, at, ": " + line.substr(0, 120));
  } else if (line.find("level=fatal") != std::string::npos || line.starts_with("panic: ")) {
    tick({node, Lane::invocation, "fatal"}, at, "f", line.substr(0, 200));
  }
}

void Timeline::see_probe(const Json& event, std::int64_t at) {
  const std::string_view node = text_of(event, "node");
  const std::string_view probe = text_of(event, "probe");
  const std::string_view outcome = text_of(event, "outcome");
  auto state = std::ranges::find_if(
      probes_, [&](const ProbeState& one) { return one.node == node && one.probe == probe; });
  if (state == probes_.end()) {
    probes_.push_back({.node = std::string(node), .probe = std::string(probe)});
    state = probes_.end() - 1;
  }
  const bool ok = outcome == "ok";
  if (ok == state->ok) {
    return;
  }
  state->ok = ok;
  const LaneKey lane{state->node, Lane::gap, state->probe + " away"};
  if (ok) {
    close(lane, at);
    return;
  }
  open(lane,
       at,
       outcome == "not-ok" || outcome == "timeout" ? "f" : "b",
       fmt::format("{} is {}", probe, outcome));
}

void Timeline::see(const Json& event) {
  const std::string_view type = text_of(event, "type");
  const std::int64_t at = json_int(event, "wall_us");
  last_ = std::max(last_, at);
  if (type == "probe") {
    see_probe(event, at);
    return;
  }
  const std::string node(text_of(event, "node"));
  if (type == "fault") {
    see_fault(event, node);
    return;
  }
  if (at == 0) {
    return;
  }
  if (type == "window") {
    const std::string name = json_string(event, "window");
    const LaneKey lane{node, Lane::window, name};
    if (json_string(event, "op") == "opened") {
      open(lane, at, "w", name + ", opened by " + json_string(event, "marker"));
    } else {
      close(lane,
            at,
            json_bool(event, "cut") ? ", cut by its invocation's end"
                                    : ", closed by " + json_string(event, "marker"));
    }
  } else if (type == "container" && json_string(event, "kind") != "sandbox") {
    const std::string pod = json_string(event, "pod");
    const std::string id = json_string(event, "id").substr(0, 12);
    const LaneKey lane{node, Lane::container, pod + " " + id};
    if (json_string(event, "op") == "started") {
      open(lane, at, "c", fmt::format("{} {}", pod, id));
    } else {
      close(lane, at, " exited");
    }
  } else if (type == "journal") {
    see_journal(event, node, at);
  }
}

Timeline::Timeline(const std::vector<Json>& events) {
  for (const Json& event : events) {
    see(event);
  }
  const auto left = std::exchange(open_, {});
  for (const auto& [key, open] : left) {
    bar(key, {open.at, std::max(open.at, last_), open.css, open.title + ", to the end"});
  }
  // A pod's containers share a lane: one ends before the next one begins, or nearly so.
  std::map<LaneKey, std::vector<Bar>> merged;
  for (auto& [key, bars] : lanes_) {
    LaneKey lane = key;
    if (lane.kind == Lane::container) {
      lane.name = lane.name.substr(0, lane.name.find(' '));
    }
    auto& all = merged[lane];
    all.insert(all.end(), bars.begin(), bars.end());
  }
  lanes_ = std::move(merged);
}

std::string Timeline::svg(std::int64_t from, std::int64_t to) const {
  const double span = static_cast<double>(std::max<std::int64_t>(to - from, 1));
  const auto x = [&](std::int64_t at) {
    const double share = static_cast<double>(std::clamp(at, from, to) - from) / span;
    return kLabel + static_cast<int>(share * (kWidth - kLabel - 10));
  };
  std::string body;
  int y = 4;
  std::string node;
  for (const auto& [key, bars] : lanes_) {
    std::string row;
    for (const Bar& one : bars) {
      if (one.to < from || one.from > to) {
        continue;
      }
      row += fmt::format(
          "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"13\"><title>{} {} ({:.3f} "
          "s)</title></rect>",
          one.css,
          x(one.from),
          y + 2,
          std::max(x(one.to) - x(one.from), 2),
          escape_html(one.title, 240),
          format_wall(one.from),
          seconds(one.to - one.from));
    }
    if (row.empty()) {
      continue;
    }
    if (key.node != node && !node.empty()) {
      body += fmt::format("<line x1=\"0\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>", kWidth, y, y);
    }
    node = key.node;
    body += fmt::format("<text x=\"4\" y=\"{}\">{}</text>{}",
                        y + 13,
                        escape_html(key.node + " " + key.name, 60),
                        row);
    y += kLane;
  }
  return fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"timeline\">{2}<text x=\"{3}\" "
      "y=\"{4}\">{5}</text><text x=\"{6}\" y=\"{4}\" text-anchor=\"end\">+{7:.2f} s</text></svg>",
      kWidth,
      y + 22,
      body,
      kLabel,
      y + 15,
      format_wall(from),
      kWidth - 6,
      seconds(to - from));
}

}  // namespace

std::string timelines(const std::vector<Json>& events) {
  const Timeline timeline(events);
  if (timeline.empty()) {
    return "<p>No timeline: no event carries a time.</p>";
  }
  std::string out = timeline.svg(timeline.first(), timeline.last());
  if (const std::int64_t effect = timeline.effect(); effect != 0) {
    out += "<p>Around the effect:</p>" + timeline.svg(effect - kCloseUpUs, effect + kCloseUpUs);
  }
  return out;
}

}  // namespace harness::report
