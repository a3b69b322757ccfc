#include "harness/check/probing.h"

#include <algorithm>

#include <fmt/format.h>

namespace harness::check {
namespace {

constexpr std::size_t kSteadyEnd = 10;  // probes that must be ok at the end

double seconds(std::int64_t us) {
  return static_cast<double>(us) / 1e6;
}

// One answer that came too late between two good ones is a hiccup of a busy machine.
bool hiccup(const std::vector<Probe>& probes, std::size_t at) {
  return probes[at].outcome == "timeout" && at > 0 && at + 1 < probes.size() &&
         probes[at - 1].outcome == "ok" && probes[at + 1].outcome == "ok";
}

std::vector<Probe> since(const std::vector<Probe>& probes, std::int64_t from_us) {
  std::vector<Probe> out;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (probes[i].wall_us >= from_us && !hiccup(probes, i)) {
      out.push_back(probes[i]);
    }
  }
  return out;
}

Finding steady(const std::vector<Probe>& probes) {
  for (auto probe = probes.end() - kSteadyEnd; probe != probes.end(); ++probe) {
    if (sight_of(*probe) == Sight::down) {
      return failed(fmt::format(
          "is {} at the end{}", probe->outcome, probe->detail.empty() ? "" : ": " + probe->detail));
    }
    if (sight_of(*probe) == Sight::blind) {
      return unproven(fmt::format("could not be seen at the end: {}{}",
                                  probe->outcome,
                                  probe->detail.empty() ? "" : ": " + probe->detail));
    }
  }
  return pass();
}

}  // namespace

Sight sight_of(const Probe& probe) {
  if (probe.outcome == "ok") {
    return Sight::ok;
  }
  return probe.outcome == "not-ok" || probe.outcome == "timeout" ? Sight::down : Sight::blind;
}

Recovered recovered(const std::vector<Probe>& probes,
                    std::int64_t reference_us,
                    std::int64_t budget_us) {
  const std::vector<Probe> after = since(probes, reference_us);
  if (after.size() < kSteadyEnd) {
    return {unproven(fmt::format("was asked only {} times after the fault or the restart",
                                 after.size())),
            0};
  }
  if (Finding end = steady(after); end.verdict != Verdict::pass) {
    return {std::move(end), 0};
  }
  std::int64_t last_down = 0;
  std::int64_t last_unseen = 0;
  std::int64_t ok_again = reference_us;
  for (std::size_t i = 0; i + 1 < after.size(); ++i) {
    const Sight sight = sight_of(after[i]);
    if (sight == Sight::ok) {
      continue;
    }
    ok_again = after[i + 1].wall_us;
    (sight == Sight::down ? last_down : last_unseen) = after[i].wall_us;
  }
  const std::int64_t took = ok_again - reference_us;
  if (took <= budget_us) {
    return {pass(), ok_again};
  }
  if (last_down - reference_us > budget_us) {
    return {failed(fmt::format("took {:.1f} s to be ok for good, the budget is {:.0f} s",
                               seconds(took),
                               seconds(budget_us))),
            ok_again};
  }
  return {unproven(fmt::format("could not be seen until {:.1f} s, the budget is {:.0f} s",
                               seconds(last_unseen - reference_us),
                               seconds(budget_us))),
          ok_again};
}

Gap longest_gap(const std::vector<Probe>& probes, std::int64_t from_us) {
  Gap out;
  std::int64_t begin = 0;  // of the stretch; 0: none
  std::int64_t first_down = 0;
  std::int64_t last_down = 0;
  std::string detail;
  const auto certain = [&] {
    if (first_down != 0 && last_down - first_down >= out.certain_us) {
      out.certain_us = last_down - first_down;
      out.detail = detail;
    }
    first_down = last_down = 0;
    detail.clear();
  };
  const auto close = [&](std::int64_t end) {
    if (begin == 0) {
      return;
    }
    out.possible_us = std::max(out.possible_us, end - begin);
    certain();
    begin = 0;
  };
  const std::vector<Probe> seen = since(probes, from_us);
  for (const Probe& probe : seen) {
    if (sight_of(probe) == Sight::ok) {
      close(probe.wall_us);
      continue;
    }
    begin = begin == 0 ? probe.wall_us : begin;
    if (sight_of(probe) == Sight::blind) {
      certain();
    } else {
      first_down = first_down == 0 ? probe.wall_us : first_down;
      last_down = probe.wall_us;
      detail = probe.detail.empty() ? probe.outcome : probe.detail;
    }
  }
  close(seen.empty() ? 0 : seen.back().wall_us);
  return out;
}

}  // namespace harness::check
