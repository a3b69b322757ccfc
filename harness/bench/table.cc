#include "harness/bench/table.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::bench {
namespace {

constexpr std::array<const char*, 3> kMeans = {"guard: armed trigger, kill-pod how=process",
                                               "journalctl -f | shell loop, on the node",
                                               "journalctl -f over SSH, kill sent back"};

std::string row(const char* what, const Distribution& values) {
  std::string out = fmt::format("  {:<20}", what);
  for (const int percent : {0, 50, 90, 99, 100}) {
    out += values.size() == 0
               ? fmt::format("{:>11}", "-")
               : fmt::format("{:>11.3f}", static_cast<double>(values.percentile(percent)) / 1000);
  }
  return out + fmt::format("{:>6}\n", values.size());
}

const char* met(bool yes) {
  return yes ? "met" : "NOT met";
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

std::string targets(const Measured& guard, const GuardUsage& usage) {
  const Distribution& action = guard.marker_to_action;
  const std::int64_t peak =
      std::max({usage.rest.peak_kb, usage.watch_armed.peak_kb, usage.trigger_armed.peak_kb});
  return fmt::format(
      "Targets: marker to action p50 <= 2 ms {}, p99 <= 10 ms {}; watch at rest <= 1 % {}; "
      "watch and armed trigger together <= 4 % {}; each process <= 8 MB {}\n",
      met(action.size() > 0 && action.percentile(50) <= 2000),
      met(action.size() > 0 && action.percentile(99) <= 10'000),
      met(usage.rest.core <= 1),
      met(usage.watch_armed.core + usage.trigger_armed.core <= 4),
      met(peak <= 8 * 1024));
}

}  // namespace

std::string table(const Setup& setup,
                  const std::array<Measured, 3>& measured,
                  const GuardUsage& usage) {
  std::string out = fmt::format(
      "Marker to effect on {} (Linux {}), {} trials each, taking turns; seed {}; milliseconds\n"
      "A unit writes the marker line to its standard output; the effect is the end of a victim\n"
      "process, by pidfd, after SIGKILL. All stamps: the node's CLOCK_MONOTONIC.\n\n  {:<20}",
      setup.node,
      setup.kernel,
      setup.trials,
      setup.seed,
      "");
  for (const char* head : {"min", "p50", "p90", "p99", "max"}) {
    out += fmt::format("{:>11}", head);
  }
  out += fmt::format("{:>6}\n", "n");
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    const Measured& one = measured[way];
    out += fmt::format("{}\n", kMeans[way]);
    out += row("marker to action", one.marker_to_action);
    out += row("action to effect", one.action_to_effect);
    out += row("marker to effect", one.marker_to_effect);
    out += fmt::format("  misses {} of {}{}{}\n",
                       one.misses,
                       setup.trials,
                       one.misses > 0 ? ", the last: " : "",
                       one.last_miss);
  }
  out += "\nThe guard's own share\n";
  out += share("at rest (watch)", usage.rest);
  out += share("a trigger is armed: watch", usage.watch_armed);
  out += share("a trigger is armed: the trigger", usage.trigger_armed);
  return out + "\n" + targets(measured[0], usage);
}

Json report(const Setup& setup, const std::array<Measured, 3>& measured, const GuardUsage& usage) {
  Json out{{"setup",
            {{"node", setup.node},
             {"kernel", setup.kernel},
             {"trials", setup.trials},
             {"seed", setup.seed}}},
           {"guard_usage",
            {{"rest_watch", to_json(usage.rest)},
             {"armed_watch", to_json(usage.watch_armed)},
             {"armed_trigger", to_json(usage.trigger_armed)}}}};
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    const Measured& one = measured[way];
    out[std::string(kWays[way])] = {{"marker_to_action_us", one.marker_to_action.to_json()},
                                    {"action_to_effect_us", one.action_to_effect.to_json()},
                                    {"marker_to_effect_us", one.marker_to_effect.to_json()},
                                    {"trials", setup.trials},
                                    {"misses", one.misses}};
  }
  return out;
}

}  // namespace harness::bench
