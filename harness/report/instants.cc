#include "harness/report/instants.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "harness/base/length.h"
#include "harness/base/version.h"

namespace harness::report {
namespace {

using Key = std::tuple<std::string, std::string, std::string, std::string, bool>;

Key key_of(const Instant& one) {
  return {one.hop, one.fault, one.window, one.target, one.stretched};
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

InstantMap::Bucket& bucket_at(InstantMap& map, std::int64_t at_us) {
  if (at_us < 0) {
    return map.before;
  }
  if (at_us > map.length_us) {
    return map.after;
  }
  const auto index = static_cast<std::size_t>(at_us / std::max<std::int64_t>(map.bucket_us, 1));
  return map.inside[std::min(index, map.inside.size() - 1)];
}

// A hit that was aimed inside lies inside, also where the fault cut its window short, so that its
// length is not known, or the window lasted longer than the others'.
bool aimed_inside(const Instant& one) {
  return one.planned_us && *one.planned_us >= 0 &&
         (one.length_us == 0 || *one.planned_us <= one.length_us);
}

void add(InstantMap& map, const Instant& one) {
  if (!one.hit || !one.landed_us) {
    if (one.planned_us) {
      ++bucket_at(map, *one.planned_us).misses;
    }
    return;
  }
  InstantMap::Bucket& bucket =
      bucket_at(map,
                aimed_inside(one) ? std::clamp<std::int64_t>(*one.landed_us, 0, map.length_us)
                                  : *one.landed_us);
  ++bucket.hits;
  if (one.verdict == check::Verdict::fail) {
    ++bucket.fails;
    map.failed_at_us.push_back(*one.landed_us);
  }
  bucket.longest_recovery_s = std::max(bucket.longest_recovery_s, one.recovery_s.value_or(0));
}

std::int64_t largest_gap(const InstantMap& map, const std::vector<const Instant*>& trials) {
  std::vector<std::int64_t> hits;
  for (const Instant* one : trials) {
    if (one->hit && one->landed_us && *one->landed_us >= 0 && *one->landed_us <= map.length_us) {
      hits.push_back(*one->landed_us);
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

char sign_of(const InstantMap::Bucket& bucket) {
  return bucket.fails > 0 ? 'X' : bucket.hits > 0 ? 'o' : bucket.misses > 0 ? '-' : '.';
}

Json to_json(const InstantMap::Bucket& bucket) {
  return {{"hits", bucket.hits},
          {"fails", bucket.fails},
          {"misses", bucket.misses},
          {"longest_recovery_s", bucket.longest_recovery_s}};
}

std::string parameters(const Json& params) {
  std::string out;
  for (const auto& [key, value] : params.items()) {
    out += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return out;
}

}  // namespace

std::vector<Instant> instants_of(const std::vector<check::CaseVerdict>& cases) {
  std::vector<Instant> out;
  for (const check::CaseVerdict& one : cases) {
    for (const check::TrialVerdict& trial : one.trials) {
      if (trial.window.empty() || trial.verdict == check::Verdict::error) {
        continue;
      }
      Instant instant{.hop = hop_text(trial.from, trial.to, trial.by_reboot),
                      .fault = trial.fault,
                      .window = trial.window,
                      .target = trial.target,
                      .stretched = trial.stretched,
                      .planned_us = trial.planned_us,
                      .landed_us = trial.landed_us,
                      .length_us = trial.length_us.value_or(0),
                      .learned_us = trial.learned_us.value_or(0),
                      .hit = trial.hit,
                      .verdict = trial.verdict,
                      .recovery_s = trial.recovery_s("apiserver-recovers")};
      instant.fault += parameters(trial.params);
      for (const check::CompanionVerdict& more : trial.companions) {
        instant.fault += fmt::format(
            " with {}{} at {} {}", more.fault, parameters(more.params), more.window, more.aim);
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
    std::tie(map.hop, map.fault, map.window, map.target, map.stretched) = key;
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

std::vector<CoverageRow> coverage(const std::vector<Instant>& instants) {
  std::set<std::string> hops;
  std::set<std::string> faults;
  std::set<std::string> windows;
  std::set<std::string> targets;
  std::map<Key, CoverageRow> seen;
  for (const Instant& one : instants) {
    if (one.window.empty() || one.stretched) {
      continue;
    }
    hops.insert(one.hop);
    faults.insert(one.fault);
    windows.insert(one.window);
    targets.insert(one.target);
    CoverageRow& row = seen[key_of(one)];
    ++row.trials;
    row.hits += one.hit ? 1 : 0;
    row.misses += one.hit ? 0 : 1;
    row.fails += one.hit && one.verdict == check::Verdict::fail ? 1 : 0;
  }
  std::vector<CoverageRow> out;
  for (const std::string& hop : hops) {
    for (const std::string& window : windows) {
      for (const std::string& fault : faults) {
        for (const std::string& target : targets) {
          CoverageRow row = seen[{hop, fault, window, target, false}];
          row.hop = hop;
          row.fault = fault;
          row.window = window;
          row.target = target;
          out.push_back(std::move(row));
        }
      }
    }
  }
  return out;
}

std::string to_text(const std::vector<InstantMap>& maps) {
  std::string out;
  for (const InstantMap& map : maps) {
    std::string line;
    for (const InstantMap::Bucket& bucket : map.inside) {
      line += sign_of(bucket);
    }
    out += fmt::format("{} in {} on {}, {}{}\n  {}|{}|{}  {}",
                       map.fault,
                       map.window,
                       map.target,
                       map.hop,
                       map.stretched ? ", stretched" : "",
                       sign_of(map.before),
                       line,
                       sign_of(map.after),
                       map.length_us == 0
                           ? "its length was not seen"
                           : fmt::format("{} long, largest gap {}",
                                         format_length(Microseconds(map.length_us)),
                                         format_length(Microseconds(map.largest_gap_us))));
    std::string_view before = "; not survived at ";
    for (const std::int64_t at : map.failed_at_us) {
      out += fmt::format("{}{}", before, format_length(Microseconds(at)));
      before = ", ";
    }
    out += "\n";
  }
  return out;
}

std::string to_text(const std::vector<CoverageRow>& rows) {
  std::string out;
  for (const CoverageRow& row : rows) {
    out += fmt::format(
        "{:<20} {:<36} {:<10} {}: {}\n",
        row.window,
        row.fault,
        row.target,
        row.hop,
        row.hits == 0
            ? row.trials == 0 ? std::string("never tried")
                              : fmt::format("never hit in {} trial(s)", row.trials)
            : fmt::format(
                  "{} hit(s), {} miss(es), {} not survived", row.hits, row.misses, row.fails));
  }
  return out;
}

Json to_json(const std::vector<InstantMap>& maps) {
  Json out = Json::array();
  for (const InstantMap& map : maps) {
    Json one = {{"hop", map.hop},
                {"fault", map.fault},
                {"window", map.window},
                {"target", map.target},
                {"stretched", map.stretched},
                {"length_us", map.length_us},
                {"bucket_us", map.bucket_us},
                {"largest_gap_us", map.largest_gap_us},
                {"failed_at_us", map.failed_at_us},
                {"before", to_json(map.before)},
                {"inside", Json::array()},
                {"after", to_json(map.after)}};
    for (const InstantMap::Bucket& bucket : map.inside) {
      one["inside"].push_back(to_json(bucket));
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json to_json(const std::vector<CoverageRow>& rows) {
  Json out = Json::array();
  for (const CoverageRow& row : rows) {
    out.push_back({{"hop", row.hop},
                   {"fault", row.fault},
                   {"window", row.window},
                   {"target", row.target},
                   {"trials", row.trials},
                   {"hits", row.hits},
                   {"misses", row.misses},
                   {"fails", row.fails}});
  }
  return out;
}

}  // namespace harness::report
