#include <fmt/format.h>

#include "harness/report/instants.h"
#include "harness/report/report.h"
#include "harness/report/timeline.h"
#include "harness/stats/rate.h"

namespace harness::report {
namespace {

constexpr const char* kStyle =
    "<style>:root{color-scheme:light dark;--pass:#1d8a5b;--fail:#c62828;--unproven:#9a6700;--error:"
    "#7b3fb5}"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%;margin:.6em 0}td,th{border:1px solid "
    "#8886;padding:.3em "
    ".6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}th,b.v{white-space:nowrap}"
    "code{font-size:13px;overflow-wrap:anywhere}b.v{padding:.05em .5em;border-radius:.3em;"
    "color:#fff}.pass{background:var(--pass)}.fail{background:var(--fail)}"
    ".unproven,.skip{background:var(--unproven)}.error{background:var(--error)}"
    "svg{width:100%;height:auto;border:1px solid #8884;margin:.3em 0}svg text{font:12px "
    "system-ui,sans-serif;fill:currentColor}svg line{stroke:#8888}"
    "rect.w{fill:#3b82c4}rect.f{fill:#d33}rect.i{fill:#888}rect.c{fill:#2a9d68}rect.b{fill:#b80}"
    "pre{font-size:13px;overflow-x:auto}"
    ".key span{display:inline-block;width:1em;height:.8em;margin:0 .3em 0 1em}</style>";

constexpr const char* kKey =
    "<p class=\"key\">In the timelines: <span style=\"background:#3b82c4\"></span>window"
    "<span style=\"background:#888\"></span>service<span style=\"background:#2a9d68\"></span>"
    "container<span style=\"background:#d33\"></span>fault, fatal line, or not ok"
    "<span style=\"background:#b80\"></span>not seen. Point at a bar for its times.</p>";

std::string badge(check::Verdict verdict) {
  return fmt::format("<b class=\"v {0}\">{0}</b>", check::to_string(verdict));
}

std::string latency(const char* what, const std::optional<std::int64_t>& us) {
  return us ? fmt::format(", {} {:.1f} ms", what, static_cast<double>(*us) / 1000) : "";
}

std::string fault_text(const check::TrialVerdict& trial) {
  if (trial.window.empty()) {
    return "<p>No fault.</p>";
  }
  return fmt::format(
      "<p>Fault <code>{}</code> on {}, aimed at <code>{}</code> + {}: {}. Opened {}, effect {}, "
      "closed {}{}{}{}{}.</p>",
      escape_html(trial.fault),
      escape_html(trial.target),
      escape_html(trial.window),
      escape_html(trial.offset),
      trial.hit ? "hit" : "missed (" + escape_html(trial.hit_reason) + ")",
      trial.opened_at.empty() ? "-" : escape_html(trial.opened_at),
      trial.effect_at.empty() ? "-" : escape_html(trial.effect_at),
      trial.closed_at.empty() ? "-" : escape_html(trial.closed_at),
      latency("planned from the opening", trial.planned_us),
      latency("landed", trial.landed_us),
      latency("marker to action", trial.marker_to_action_us),
      latency("action to effect", trial.action_to_effect_us));
}

std::string replayed(const check::TrialVerdict& trial) {
  const std::string text = replay_text(trial);
  return text.empty() ? "" : "<p>Replayed: it " + escape_html(text) + ".</p>";
}

std::string companions_text(const check::TrialVerdict& trial) {
  std::string out;
  for (const check::CompanionVerdict& more : trial.companions) {
    out += fmt::format("<p>With <code>{}</code> on {}, aimed at <code>{}</code> {}: {} ({}{}).</p>",
                       escape_html(more.fault),
                       escape_html(more.target),
                       escape_html(more.window),
                       escape_html(more.aim),
                       more.hit ? "hit" : "missed",
                       escape_html(more.hit_reason),
                       replay_text(more));
  }
  return out;
}

std::string again(const std::string& command) {
  return command.empty() ? "" : "<p>Again: <code>" + escape_html(command) + "</code></p>";
}

std::string trial_section(const check::TrialVerdict& trial,
                          const std::string& command,
                          const std::vector<Json>& events) {
  std::string out =
      fmt::format("<h3>Trial {} {}</h3><p>{}</p>{}",
                  trial.trial,
                  badge(trial.verdict),
                  escape_html(trial.reason, 1200),
                  fault_text(trial) + companions_text(trial) + replayed(trial) + again(command));
  out += timelines(events);
  if (!trial.checks.empty()) {
    out += "<table><tr><th>check</th><th>verdict</th><th>recovery</th><th>why</th></tr>";
    for (const check::CheckResult& result : trial.checks) {
      out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                         escape_html(result.name),
                         badge(result.verdict),
                         result.recovery_s ? fmt::format("{:.1f} s", *result.recovery_s) : "",
                         escape_html(result.reason, 1200));
    }
    out += "</table>";
  }
  return out;
}

std::string instants(const std::vector<Instant>& all) {
  if (all.empty()) {
    return {};
  }
  std::string out = fmt::format("<h2>Instants</h2><p>{}</p>", escape_html(kMapLegend));
  for (const InstantMap& map : instant_maps(all)) {
    out += fmt::format("<pre>{}</pre>", escape_html(to_text(map), 8000));
  }
  return out;
}

std::string coverage_table(const std::vector<CoverageRow>& rows) {
  if (rows.empty()) {
    return {};
  }
  std::string out =
      "<h2>Coverage</h2><table><tr><th>window</th><th>fault</th><th>target</th><th>hop</th>"
      "<th>trials</th></tr>";
  for (const CoverageRow& row : rows) {
    out += fmt::format("<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                       escape_html(row.window),
                       row.seen_on.empty() ? "" : " of " + escape_html(row.seen_on),
                       escape_html(row.fault),
                       escape_html(row.target),
                       escape_html(row.hop),
                       in_words(row));
  }
  return out + "</table>";
}

std::string case_table(const Model& model) {
  std::string out =
      "<table><tr><th>case</th><th>expected</th><th>outcome</th><th>verdict</th><th>why</th></tr>";
  for (std::size_t i = 0; i < model.cases.size(); ++i) {
    const check::CaseVerdict& one = model.cases[i];
    out += fmt::format(
        "<tr><td><a href=\"#c{}\">{}</a></td><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        i,
        escape_html(one.name),
        escape_html(one.expect),
        escape_html(one.issue),
        check::to_string(one.outcome),
        badge(one.verdict),
        escape_html(one.reason));
  }
  return out + "</table>";
}

}  // namespace

std::string to_html(const Model& model, const TrialEvents& trial_events) {
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title>{1}</head><body><h1>{0} {2}</h1>",
      escape_html(model.run),
      kStyle,
      badge(model.verdict()));
  out += fmt::format("<p>{} on cluster {}, seed {}, {} to {}</p>",
                     escape_html(model.tool),
                     escape_html(model.cluster),
                     model.seed,
                     escape_html(model.started),
                     escape_html(model.finished));
  if (model.standin) {
    out += fmt::format("<p><b>{}</b></p>", escape_html(kStandInNote));
  }
  for (const std::string& dirty : model.dirty) {
    out += fmt::format("<p><b class=\"v fail\">not healed</b> {}</p>", escape_html(dirty));
  }
  const std::vector<Instant> all = instants_of(model.cases);
  out += case_table(model) + instants(all) + coverage_table(coverage(model.planned, all)) + kKey;
  for (std::size_t i = 0; i < model.cases.size(); ++i) {
    const check::CaseVerdict& one = model.cases[i];
    out += fmt::format("<h2 id=\"c{}\">{} {}</h2>{}",
                       i,
                       escape_html(one.name),
                       badge(one.verdict),
                       again(repeat_command(model, one.name)));
    if (const auto rate = stats::rate_worth_showing(one)) {
      out += fmt::format("<p>{}</p>", escape_html(stats::describe(*rate)));
    }
    for (const check::TrialVerdict& trial : one.trials) {
      out += trial_section(
          trial, replay_command(model, one.name, trial), trial_events(one.name, trial.trial));
    }
  }
  return out + "</body></html>\n";
}

}  // namespace harness::report
