#include "harness/compare/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace harness::compare {
namespace {

using check::CaseVerdict;
using check::TrialVerdict;
using check::Verdict;

constexpr int kMostHits = 1000;

bool is_hit(const TrialVerdict& trial) {
  return trial.hit && trial.counts;
}

Side side_of(const CaseVerdict& one, bool stretched) {
  std::vector<TrialVerdict> trials;
  std::ranges::copy_if(one.trials, std::back_inserter(trials), [&](const TrialVerdict& trial) {
    return trial.stretched == stretched;
  });
  Side out{.name = one.name, .rate = stats::rate_of(trials), .recovery_s = {}};
  for (const TrialVerdict& trial : stats::of_the_window(trials)) {
    if (!is_hit(trial)) {
      continue;
    }
    double longest = trial.verdict == Verdict::fail ? std::numeric_limits<double>::infinity() : -1;
    for (const check::CheckResult& check : trial.checks) {
      longest = std::max(longest, check.recovery_s.value_or(-1));
    }
    if (longest < 0) {
      ++out.untimed;
    } else {
      out.recovery_s.push_back(longest);
    }
  }
  return out;
}

Line line_of(const Pair& pair, bool stretched) {
  Line out{.what = parts_of(pair.before->name).what,
           .by = pair.by,
           .stretched = stretched,
           .before = side_of(*pair.before, stretched),
           .after = side_of(*pair.after, stretched)};
  out.p_failures = stats::fisher_exact(out.before.counts(), out.after.counts());
  out.difference = stats::risk_difference(out.before.counts(), out.after.counts());
  out.recovery = stats::mann_whitney(out.before.recovery_s, out.after.recovery_s);
  return out;
}

Unpaired stretched_alone(const CaseVerdict& one, const Side& side, bool in_after) {
  return {.name = one.name,
          .in_after = in_after,
          .reason = fmt::format("{} of {} stretched hit(s) failed, and the other run has no "
                                "stretched one: they are not held against natural ones",
                                side.rate.failures,
                                side.rate.hits),
          .failed = side.rate.failures > 0 && one.verdict == Verdict::fail};
}

void add_pair(const Pair& pair, Comparison& out) {
  Line natural = line_of(pair, false);
  Line stretched = line_of(pair, true);
  const bool before = stretched.before.rate.hits > 0;
  const bool after = stretched.after.rate.hits > 0;
  const bool some_natural = natural.before.rate.hits + natural.after.rate.hits > 0;
  if (some_natural || !before || !after) {
    out.lines.push_back(std::move(natural));
  }
  if (before && after) {
    out.lines.push_back(std::move(stretched));
  } else if (before) {
    out.unpaired.push_back(stretched_alone(*pair.before, stretched.before, false));
  } else if (after) {
    out.unpaired.push_back(stretched_alone(*pair.after, stretched.after, true));
  }
}

bool tested(const Line& line) {
  return line.before.rate.hits > 0 && line.after.rate.hits > 0;
}

// What has nothing on a side is no test, and costs the others nothing.
void correct(Comparison& out) {
  std::vector<double*> into;
  std::vector<double> all;
  for (Line& line : out.lines) {
    if (tested(line)) {
      into.push_back(&line.p_failures_holm);
      all.push_back(line.p_failures);
    }
    if (!line.before.recovery_s.empty() && !line.after.recovery_s.empty()) {
      into.push_back(&line.p_recovery_holm);
      all.push_back(line.recovery.p);
    }
  }
  all = stats::holm(all);
  for (std::size_t i = 0; i < into.size(); ++i) {
    *into[i] = all[i];
  }
  out.tests = static_cast<int>(into.size());
}

std::string median_of(const Side& side) {
  const double median = stats::median(side.recovery_s);
  return std::isinf(median) ? "never" : fmt::format("{:.1f} s", median);
}

std::string failures_differ(const Line& line) {
  return fmt::format("{} of {} hit(s) failed before, {} of {} after (p {:.2g})",
                     line.before.rate.failures,
                     line.before.rate.hits,
                     line.after.rate.failures,
                     line.after.rate.hits,
                     line.p_failures_holm);
}

std::string times_differ(const Line& line) {
  return fmt::format("recovery took {} before, {} after (medians, p {:.2g})",
                     median_of(line.before),
                     median_of(line.after),
                     line.p_recovery_holm);
}

// What would decide: enough to tell the rates as they were seen, or to rule the rise out.
void ask_for_more(Line& line, double level) {
  const double before = line.before.counts().rate();
  const double after = line.after.counts().rate();
  const int fewest = std::min(line.before.rate.hits, line.after.rate.hits);
  int wanted = stats::trials_to_rule_out(kRise, level, kMostHits);
  if (const auto tell = stats::trials_to_tell(before, after, level)) {
    wanted = std::max(wanted, static_cast<int>(std::min<double>(*tell, kMostHits)));
  }
  line.hits_wanted = std::max(wanted, fewest + 1);
  line.reason += fmt::format("; {} {} hits in each run would decide{}, {} more than now",
                             *line.hits_wanted < kMostHits ? "about" : "more than",
                             *line.hits_wanted,
                             before == after ? " if no more fail" : " at these rates",
                             *line.hits_wanted - fewest);
}

// Times that look longer and may be so by chance.
std::string undecided_times(const Line& line, double level) {
  constexpr double kMediumEffect = 0.33;  // of Cliff's delta
  const auto wanted = stats::times_to_tell(line.recovery.delta, level);
  if (line.recovery.delta < kMediumEffect || !wanted) {
    return {};
  }
  const std::size_t now = std::min(line.before.recovery_s.size(), line.after.recovery_s.size());
  return fmt::format(
      "; {}, which may be chance: about {} timed hits in each run would tell, now {}",
      times_differ(line),
      std::max<std::size_t>(static_cast<std::size_t>(*wanted), now + 1),
      now);
}

void decide(Line& line, int tests) {
  const double level = kLevel / std::max(1, tests);
  const bool failures = line.p_failures_holm <= kLevel;
  const bool times = line.p_recovery_holm <= kLevel;
  const double possible = stats::smallest_p(line.before.rate.hits, line.after.rate.hits);
  const double rise = line.difference.interval.high;
  if ((failures && line.difference.seen > 0) || (times && line.recovery.delta > 0)) {
    line.outcome = Outcome::worse;
    line.reason = failures && line.difference.seen > 0 ? failures_differ(line) : times_differ(line);
  } else if (line.after.rate.alone > 0) {
    line.reason = fmt::format(
        "{} trial(s) of the second run failed without any fault, {} of the first: see to these "
        "before anything is said of the fault",
        line.after.rate.alone,
        line.before.rate.alone);
  } else if (!tested(line)) {
    line.reason =
        fmt::format("no hit in the {} run", line.before.rate.hits == 0 ? "first" : "second");
    ask_for_more(line, level);
  } else if (failures) {
    line.outcome = Outcome::better;
    line.reason = failures_differ(line);
  } else if (possible > level) {
    line.reason =
        fmt::format("so few hits give no p below {:.2g}, and {:.2g} is needed", possible, level);
    ask_for_more(line, level);
  } else if (rise >= kRise) {
    line.reason = fmt::format("failures may still have risen by {:.0f} points", 100 * rise);
    ask_for_more(line, level);
  } else if (times) {
    line.outcome = Outcome::better;
    line.reason = times_differ(line);
  } else {
    line.outcome = Outcome::same;
    line.reason = fmt::format("a rise by more than {:.0f} points is ruled out (95 %){}",
                              100 * std::max(0.0, rise),
                              undecided_times(line, level));
  }
}

void conclude(Comparison& out) {
  const auto lines = [&](Outcome outcome) {
    return std::ranges::count(out.lines, outcome, &Line::outcome);
  };
  const auto failed = std::ranges::count_if(
      out.unpaired, [](const Unpaired& one) { return one.in_after && one.failed; });
  out.reason = fmt::format("{} compared: {} worse, {} better, {} no difference, {} too few trials",
                           out.lines.size(),
                           lines(Outcome::worse),
                           lines(Outcome::better),
                           lines(Outcome::same),
                           lines(Outcome::too_few));
  if (lines(Outcome::worse) > 0) {
    out.outcome = Outcome::worse;
  } else if (out.lines.empty() || lines(Outcome::too_few) > 0 || failed > 0) {
    out.outcome = Outcome::too_few;
  } else {
    out.outcome = lines(Outcome::better) > 0 ? Outcome::better : Outcome::same;
  }
  if (failed > 0) {
    out.reason +=
        fmt::format("; {} failed in the second run and could not be held against anything", failed);
  }
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::worse:
      return "worse";
    case Outcome::better:
      return "better";
    case Outcome::same:
      return "no difference";
    case Outcome::too_few:
      return "too few trials";
  }
  return "too few trials";
}

Comparison compare(const std::vector<CaseVerdict>& before, const std::vector<CaseVerdict>& after) {
  Pairing pairing = pair_cases(before, after);
  Comparison out;
  out.unpaired = std::move(pairing.unpaired);
  for (const Pair& pair : pairing.pairs) {
    add_pair(pair, out);
  }
  correct(out);
  for (Line& line : out.lines) {
    decide(line, out.tests);
  }
  conclude(out);
  return out;
}

int exit_status(Outcome outcome) {
  return outcome == Outcome::worse ? 1 : outcome == Outcome::too_few ? 4 : 0;
}

}  // namespace harness::compare
