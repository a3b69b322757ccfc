#include "harness/bench/table.h"

#include <fmt/format.h>

namespace harness::bench {
namespace {

constexpr std::array<const char*, kWays.size()> kMeans = {
    "guard: armed trigger, kill-pod how=process",
    "journalctl: -f piped to a shell loop, on the node",
    "ssh: journalctl -f over SSH, kill sent back",
    "guard_planned: armed trigger at a planned offset, kill-pod how=process",
    "guard_planned_task: the same by ctr, kill-pod how=task, the default"};

std::string row(const char* what, const Distribution& values) {
  std::string out = fmt::format("  {:<20}", what);
  for (const int percent : {0, 50, 90, 95, 99, 100}) {
    out += values.size() == 0
               ? fmt::format("{:>11}", "-")
               : fmt::format("{:>11.3f}", static_cast<double>(values.percentile(percent)) / 1000);
  }
  return out + fmt::format("{:>6}\n", values.size());
}

std::string head(const Setup& setup) {
  std::string out = fmt::format(
      "Marker to effect on {} (Linux {}, {} CPUs, load {:.2f} before and {:.2f} after)\n"
      "{} trials each, taking turns; seed {}; milliseconds. All stamps are the node's\n"
      "CLOCK_MONOTONIC. written: the unit's, before it writes the line. marker: journald's of the\n"
      "line. planned: the marker and the offset. action: before the signal, or before ctr is\n"
      "started. effect: the end of the victim is seen, by pidfd.\n\n  "
      "{:<20}",
      setup.node,
      setup.kernel,
      setup.cpus,
      setup.load_before,
      setup.load_after,
      setup.trials,
      setup.seed,
      "");
  for (const char* name : {"min", "p50", "p90", "p95", "p99", "max"}) {
    out += fmt::format("{:>11}", name);
  }
  return out + fmt::format("{:>6}\n", "n");
}

std::string share(const char* what, const Share& share) {
  return fmt::format("  {:<38}{:>8.2f} % of a core, VmHWM {:.1f} MB, VmRSS {:.1f} MB\n",
                     what,
                     share.core,
                     static_cast<double>(share.peak_kb) / 1024,
                     static_cast<double>(share.resident_kb) / 1024);
}

Json to_json(const Share& share) {
  return {
      {"core_percent", share.core}, {"vm_hwm_kb", share.peak_kb}, {"vm_rss_kb", share.resident_kb}};
}

std::string target(const char* what,
                   const std::string& value,
                   const char* limit,
                   bool met,
                   const std::string& beside = {}) {
  return fmt::format("  {:<38}{:>12}   {:<20}{}{}{}\n",
                     what,
                     value,
                     limit,
                     met ? "met" : "missed",
                     beside.empty() ? "" : "; ",
                     beside);
}

std::string beside(const MeasuredWays& measured, int percent) {
  std::string out;
  for (const std::size_t way : {1U, 2U}) {
    const Distribution& values = measured[way].marker_to_action;
    out += values.size() == 0 ? ""
                              : fmt::format("{}{} {:.1f} ms",
                                            out.empty() ? "" : ", ",
                                            kWays[way],
                                            static_cast<double>(values.percentile(percent)) / 1000);
  }
  return out;
}

Json with_p95(const Distribution& values) {
  Json out = values.to_json();
  if (values.size() > 0) {
    out["p95"] = values.percentile(95);
  }
  return out;
}

std::string milliseconds(const Distribution& values, int percent) {
  return values.size() == 0
             ? "-"
             : fmt::format("{:.3f} ms", static_cast<double>(values.percentile(percent)) / 1000);
}

const Measured& of(const MeasuredWays& measured, Way way) {
  return measured[static_cast<std::size_t>(way)];
}

std::string rows(const Measured& one, Way way) {
  if (is_planned(way)) {
    return row("planned to action", one.planned_to_action) +
           row("planned to effect", one.planned_to_effect);
  }
  std::string out = row("written to action", one.written_to_action);
  if (one.marker_to_seen.size() > 0) {
    out += row("marker to seen", one.marker_to_seen);
    out += row("seen to action", one.seen_to_action);
  }
  return out + row("marker to action", one.marker_to_action) +
         row("action to effect", one.action_to_effect) +
         row("marker to effect", one.marker_to_effect);
}

std::string targets(const MeasuredWays& measured, const Cost& cost) {
  const Measured& guard = measured[0];
  const auto time = [](const char* what,
                       const Distribution& values,
                       int percent,
                       std::int64_t limit_us,
                       const char* limit,
                       const std::string& others) {
    const std::int64_t value = values.percentile(percent);
    return target(
        what, milliseconds(values, percent), limit, values.size() > 0 && value <= limit_us, others);
  };
  const auto percent = [](double value) { return fmt::format("{:.2f} %", value); };
  const auto megabytes = [](std::int64_t kb) {
    return fmt::format("{:.1f} MB", static_cast<double>(kb) / 1024);
  };
  std::string out = fmt::format("\nTargets of the guard{:>32}   {}\n", "measured", "target");
  out += time(
      "marker to action, p50", guard.marker_to_action, 50, 2000, "<= 2 ms", beside(measured, 50));
  out += time("marker to action, p99",
              guard.marker_to_action,
              99,
              10'000,
              "<= 10 ms",
              beside(measured, 99));
  out += time("written to action, p50", guard.written_to_action, 50, 2000, "<= 2 ms", "");
  out += time("written to action, p99", guard.written_to_action, 99, 10'000, "<= 10 ms", "");
  out += time("planned offset to effect, p95",
              of(measured, Way::guard_planned).planned_to_effect,
              95,
              5000,
              "<= 5 ms",
              "");
  out += fmt::format("  {:<38}{:>12}   no target: what kill-pod's default costs\n",
                     "the same by how=task, p95",
                     milliseconds(of(measured, Way::guard_planned_task).planned_to_effect, 95));
  out += target("hits in a window of 50 ms",
                percent(guard.short_window_percent()),
                ">= 99 % of trials",
                guard.short_window_percent() >= 99,
                fmt::format("{} {:.0f} %, {} {:.0f} %",
                            kWays[1],
                            measured[1].short_window_percent(),
                            kWays[2],
                            measured[2].short_window_percent()));
  out += target("at rest: watch", percent(cost.rest.core), "<= 1 % of a core", cost.rest.core <= 1);
  out += target("armed: watch and trigger",
                percent(cost.armed_core()),
                "<= 4 % of a core",
                cost.armed_core() <= 4);
  return out + target("memory of one process (VmHWM)",
                      megabytes(cost.peak_kb()),
                      "< 8 MB",
                      cost.peak_kb() > 0 && cost.peak_kb() < 8L * 1024);
}

}  // namespace

std::string table(const Setup& setup, const MeasuredWays& measured, const Cost& cost) {
  std::string out = head(setup);
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    const Measured& one = measured[way];
    out += fmt::format("{}\n", kMeans[way]);
    out += rows(one, static_cast<Way>(way));
    out += fmt::format("  lost {} of {}{}{}\n",
                       one.lost,
                       setup.trials,
                       one.lost > 0 ? ", the last: " : "",
                       one.last_loss);
  }
  out += "\nThe guard's own share\n";
  out += share("at rest: watch", cost.rest);
  out += share("a trigger is armed: watch", cost.watch_armed);
  out += share("a trigger is armed: the trigger", cost.trigger_armed);
  return out + targets(measured, cost);
}

Json report(const Setup& setup, const MeasuredWays& measured, const Cost& cost) {
  Json out{{"setup",
            {{"node", setup.node},
             {"kernel", setup.kernel},
             {"cpus", setup.cpus},
             {"load_before", setup.load_before},
             {"load_after", setup.load_after},
             {"trials", setup.trials},
             {"seed", setup.seed}}},
           {"cost",
            {{"rest_cpu_percent", cost.rest.core},
             {"armed_cpu_percent", cost.armed_core()},
             {"rss_kb", cost.resident_kb()},
             {"rest_watch", to_json(cost.rest)},
             {"armed_watch", to_json(cost.watch_armed)},
             {"armed_trigger", to_json(cost.trigger_armed)}}}};
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    const Measured& one = measured[way];
    if (is_planned(static_cast<Way>(way))) {
      out[std::string(kWays[way])] = {{"planned_to_action_us", with_p95(one.planned_to_action)},
                                      {"planned_to_effect_us", with_p95(one.planned_to_effect)},
                                      {"trials", setup.trials},
                                      {"lost", one.lost}};
      continue;
    }
    out[std::string(kWays[way])] = {{"written_to_action_us", one.written_to_action.to_json()},
                                    {"marker_to_action_us", one.marker_to_action.to_json()},
                                    {"action_to_effect_us", one.action_to_effect.to_json()},
                                    {"marker_to_effect_us", one.marker_to_effect.to_json()},
                                    {"hits_in_50_ms_percent", one.short_window_percent()},
                                    {"trials", setup.trials},
                                    {"lost", one.lost}};
  }
  out["guard"]["marker_to_seen_us"] = measured[0].marker_to_seen.to_json();
  out["guard"]["seen_to_action_us"] = measured[0].seen_to_action.to_json();
  return out;
}

}  // namespace harness::bench
