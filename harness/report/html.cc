#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/base/time.h"
#include "harness/report/report.h"

namespace harness::report {
namespace {

constexpr int kWidth = 1000;
constexpr int kLane = 22;
constexpr int kLabel = 190;
constexpr std::size_t kMostMarks = 400;

constexpr const char* kStyle =
    "<style>:root{color-scheme:light dark;--pass:#2a7;--fail:#d33;--unproven:#b80;--error:#a4c}"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%;margin:.6em 0}td,th{border:1px solid "
    "#8886;padding:.3em .6em;text-align:left;vertical-align:top}"
    "code{font-size:13px}h1 b,td b{padding:.05em "
    ".5em;border-radius:.3em;color:#fff}.pass{background:var(--pass)}.fail{background:var(--fail)}"
    ".unproven,.skip{background:var(--unproven)}.error{background:var(--error)}svg text{font:12px "
    "system-ui,sans-serif;fill:currentColor}"
    "svg{width:100%;height:auto;border:1px solid #8884}</style>";

std::string escape(std::string_view raw, std::size_t limit = 600) {
  std::string out;
  for (const char c : printable(raw, limit)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string badge(check::Verdict verdict) {
  return fmt::format("<b class=\"{0}\">{0}</b>", check::to_string(verdict));
}

// Bars and ticks of one trial, each lane a fact of one node, on the node's wall clock.
class Timeline {
 public:
  explicit Timeline(const std::vector<Json>& events);
  std::string svg() const;

 private:
  struct Bar {
    std::int64_t from;
    std::int64_t to;
    std::string colour;
    std::string title;
  };

  void see(const Json& event);
  void bar(const std::string& lane,
           std::int64_t from,
           std::int64_t to,
           const char* colour,
           const std::string& title);
  int x(std::int64_t at) const;

  std::map<std::string, std::vector<Bar>> lanes_;
  std::map<std::string, std::int64_t> open_;  // window or gap begun
  std::map<std::string, std::int64_t> invocations_;
  std::int64_t first_ = INT64_MAX;
  std::int64_t last_ = 0;
};

void Timeline::bar(const std::string& lane,
                   std::int64_t from,
                   std::int64_t to,
                   const char* colour,
                   const std::string& title) {
  first_ = std::min(first_, from);
  last_ = std::max(last_, to);
  auto& bars = lanes_[lane];
  if (bars.size() < kMostMarks) {
    bars.push_back({from, to, colour, title});
  }
}

void Timeline::see(const Json& event) {
  const std::string type = json_string(event, "type");
  const std::string node = json_string(event, "node");
  const std::int64_t at = json_int(event, "wall_us");
  if (type == "window") {
    const std::string key = node + " " + json_string(event, "window");
    if (json_string(event, "op") == "opened") {
      open_[key] = at;
    } else if (const auto begun = open_.find(key); begun != open_.end()) {
      bar(key, begun->second, at, "#48c", json_string(event, "window"));
      open_.erase(begun);
    }
  } else if (type == "probe" && json_string(event, "probe") == "readyz") {
    const std::string key = node + " readyz away";
    const bool ok = json_string(event, "outcome") == "ok";
    if (!ok) {
      open_.emplace(key, at);
    } else if (const auto begun = open_.find(key); begun != open_.end()) {
      bar(key, begun->second, at, "#d33", "readyz is not ok");
      open_.erase(begun);
    }
  } else if (type == "container" && json_string(event, "op") == "started" &&
             !json_bool(event, "initial") && json_string(event, "kind") != "sandbox") {
    bar(node + " containers", at, at, "#2a7", json_string(event, "pod") + " started");
  } else if (type == "journal" && json_string(event, "ident") == "rke2") {
    const std::string invocation = json_string(event, "invocation");
    if (invocations_.emplace(node + invocation, at).second) {
      bar(node + " invocations", at, at, "#888", "invocation " + invocation.substr(0, 8));
    }
  } else if (type == "fault" && event.contains("effect") && event["effect"].is_object()) {
    const std::int64_t effect = json_int(event["effect"], "wall_us");
    bar(node + " fault", effect, effect, "#d33", json_string(event, "fault"));
  }
}

Timeline::Timeline(const std::vector<Json>& events) {
  for (const Json& event : events) {
    see(event);
  }
  for (const auto& [key, begun] : open_) {
    if (last_ > begun) {
      lanes_[key].push_back({begun, last_, "#d33", key + " (did not end)"});
    }
  }
}

int Timeline::x(std::int64_t at) const {
  const double share = static_cast<double>(at - first_) /
                       static_cast<double>(std::max<std::int64_t>(last_ - first_, 1));
  return kLabel + static_cast<int>(share * (kWidth - kLabel - 10));
}

std::string Timeline::svg() const {
  if (lanes_.empty()) {
    return "<p>No timeline: no event carries a time.</p>";
  }
  const int height = static_cast<int>(lanes_.size()) * kLane + 24;
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"timeline\">", kWidth, height);
  int y = 4;
  for (const auto& [lane, bars] : lanes_) {
    out += fmt::format("<text x=\"4\" y=\"{}\">{}</text>", y + 14, escape(lane, 60));
    for (const Bar& one : bars) {
      const int from = x(one.from);
      out += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"14\" fill=\"{}\"><title>{} {} ({:.3f} "
          "s)</title></rect>",
          from,
          y + 2,
          std::max(x(one.to) - from, 3),
          one.colour,
          escape(one.title, 120),
          format_wall(one.from),
          static_cast<double>(one.to - one.from) / 1e6);
    }
    y += kLane;
  }
  out += fmt::format(
      "<text x=\"{}\" y=\"{}\">{}</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">+{:.1f} "
      "s</text></svg>",
      kLabel,
      y + 14,
      format_wall(first_),
      kWidth - 6,
      y + 14,
      static_cast<double>(last_ - first_) / 1e6);
  return out;
}

std::string trial_section(const check::TrialVerdict& trial, const std::vector<Json>& events) {
  std::string out = fmt::format(
      "<h3>Trial {} {}</h3><p>{}</p><p>fault <code>{}</code>, window <code>{}</code> + {}, opened "
      "{}, effect {}, closed {}</p>",
      trial.trial,
      badge(trial.verdict),
      escape(trial.reason),
      escape(trial.fault),
      escape(trial.window),
      escape(trial.offset),
      trial.opened_at,
      trial.effect_at.empty() ? "-" : trial.effect_at,
      trial.closed_at);
  out += Timeline(events).svg();
  if (!trial.checks.empty()) {
    out += "<table><tr><th>check</th><th>verdict</th><th>why</th></tr>";
    for (const check::CheckResult& result : trial.checks) {
      out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                         result.name,
                         badge(result.verdict),
                         escape(result.reason));
    }
    out += "</table>";
  }
  return out;
}

}  // namespace

std::string to_html(const Model& model,
                    const std::function<std::vector<Json>(const std::string&, int)>& trial_events) {
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>{}</title>{}</head><body><h1>{} {}</h1>",
      escape(model.run),
      kStyle,
      escape(model.run),
      badge(model.verdict()));
  out += fmt::format("<p>{} on cluster {}, seed {}, {} to {}</p>",
                     escape(model.tool),
                     escape(model.cluster),
                     model.seed,
                     model.started,
                     model.finished);
  for (const std::string& dirty : model.dirty) {
    out += fmt::format("<p><b class=\"fail\">not healed</b> {}</p>", escape(dirty));
  }
  out +=
      "<table><tr><th>case</th><th>expected</th><th>outcome</th><th>verdict</th><th>why</th></tr>";
  for (std::size_t i = 0; i < model.cases.size(); ++i) {
    const check::CaseVerdict& one = model.cases[i];
    out += fmt::format(
        "<tr><td><a href=\"#c{}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        i,
        escape(one.name),
        one.expect,
        check::to_string(one.outcome),
        badge(one.verdict),
        escape(one.reason));
  }
  out += "</table>";
  for (std::size_t i = 0; i < model.cases.size(); ++i) {
    const check::CaseVerdict& one = model.cases[i];
    out += fmt::format("<h2 id=\"c{}\">{} {}</h2>", i, escape(one.name), badge(one.verdict));
    for (const check::TrialVerdict& trial : one.trials) {
      out += trial_section(trial, trial_events(one.name, trial.trial));
    }
  }
  return out + "</body></html>\n";
}

}  // namespace harness::report
