#include "harness/report/instants.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "harness/base/version.h"

namespace harness::report {
namespace {

using Key = std::tuple<std::string, std::string, std::string, std::string, std::string, bool>;

Key key_of(const Instant& one) {
  return {one.hop, one.fault, one.window, one.seen_on, one.target, one.stretched};
}

std::int64_t median_of(const std::vector<const Instant*>& trials, std::int64_t Instant::*length) {
  std::vector<std::int64_t> lengths;
  for (const Instant* one : trials) {
    if (one->*length > 0) {
      lengths.push_back(one->*length);
    }
  }
  std::ranges::sort(lengths);
  return lengths.empty() ? 0 : lengths[lengths.size() / 2];
}

// A fault inside may hold its window open: what was learned without one says where in it that was.
std::int64_t usual_length(const std::vector<const Instant*>& trials) {
  const std::int64_t learned = median_of(trials, &Instant::learned_us);
  return learned > 0 ? learned : median_of(trials, &Instant::length_us);
}

bool inside(const Instant& one) {
  return !one.before && !one.after;
}

// Inside on purpose lies inside, also where the fault cut its window short, so that its length is
// not known, or the window lasted longer than the others'.
InstantMap::Bucket& bucket_of(InstantMap& map, const Instant& one, std::int64_t at_us) {
  if (!inside(one)) {
    return one.before ? map.before : map.after;
  }
  at_us = std::clamp<std::int64_t>(at_us, 0, map.length_us);
  const auto index = static_cast<std::size_t>(at_us / std::max<std::int64_t>(map.bucket_us, 1));
  return map.inside[std::min(index, map.inside.size() - 1)];
}

void add(InstantMap& map, const Instant& one) {
  if (!one.hit || !one.landed_us) {
    if (one.planned_us || !inside(one)) {
      ++bucket_of(map, one, one.planned_us.value_or(0)).misses;
    }
    return;
  }
  InstantMap::Bucket& bucket = bucket_of(map, one, *one.landed_us);
  ++(one.unproven_hit() ? bucket.unproven : bucket.hits);
  if (one.verdict == check::Verdict::fail) {
    ++bucket.fails;
    map.failed_at_us.push_back(*one.landed_us);
  }
  bucket.longest_recovery_s = std::max(bucket.longest_recovery_s, one.recovery_s.value_or(0));
}

std::int64_t largest_gap(const InstantMap& map, const std::vector<const Instant*>& trials) {
  std::vector<std::int64_t> hits;
  for (const Instant* one : trials) {
    if (one->hit && !one->unproven_hit() && one->landed_us && inside(*one)) {
      hits.push_back(std::clamp<std::int64_t>(*one->landed_us, 0, map.length_us));
    }
  }
  hits.push_back(map.length_us);
  std::ranges::sort(hits);
  std::int64_t largest = 0;
  std::int64_t from = 0;
  for (const std::int64_t at : hits) {
    largest = std::max(largest, at - from);
    from = at;
  }
  return largest;
}

}  // namespace

std::string parameters_text(const Json& params) {
  std::string out;
  for (const auto& [key, value] : params.items()) {
    out += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return out;
}

std::vector<Instant> instants_of(const std::vector<check::CaseVerdict>& cases) {
  std::vector<Instant> out;
  for (const check::CaseVerdict& one : cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      if (trial.window.empty() || trial.verdict == check::Verdict::error ||
          trial.verdict == check::Verdict::skip) {
        continue;
      }
      Instant instant{.hop = hop_text(trial.from, trial.to, trial.by_reboot),
                      .fault = trial.fault,
                      .window = trial.window,
                      .target = trial.target,
                      .seen_on = trial.seen_on,
                      .stretched = trial.stretched,
                      .planned_us = trial.planned_us,
                      .landed_us = trial.landed_us,
                      .length_us = trial.length_us.value_or(0),
                      .learned_us = trial.learned_us.value_or(0),
                      .before = trial.aimed_before(),
                      .after = trial.aimed_after(),
                      .hit = trial.hit,
                      .verdict = trial.verdict,
                      .recovery_s = trial.recovery_s("apiserver-recovers")};
      instant.fault += parameters_text(trial.params);
      for (const check::CompanionVerdict& more : trial.companions) {
        instant.fault += fmt::format(
            " with {}{} at {} {}", more.fault, parameters_text(more.params), more.window, more.aim);
      }
      out.push_back(std::move(instant));
    }
  }
  return out;
}

std::vector<InstantMap> instant_maps(const std::vector<Instant>& instants, int buckets) {
  std::map<Key, std::vector<const Instant*>> groups;
  for (const Instant& one : instants) {
    if (!one.window.empty()) {
      groups[key_of(one)].push_back(&one);
    }
  }
  std::vector<InstantMap> out;
  for (const auto& [key, trials] : groups) {
    InstantMap map;
    std::tie(map.hop, map.fault, map.window, map.seen_on, map.target, map.stretched) = key;
    map.length_us = usual_length(trials);
    map.inside.resize(static_cast<std::size_t>(std::max(buckets, 1)));
    map.bucket_us = map.length_us / static_cast<std::int64_t>(map.inside.size());
    for (const Instant* one : trials) {
      add(map, *one);
    }
    map.largest_gap_us = largest_gap(map, trials);
    std::ranges::sort(map.failed_at_us);
    out.push_back(std::move(map));
  }
  return out;
}

}  // namespace harness::report
