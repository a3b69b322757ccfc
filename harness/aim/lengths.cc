#include "harness/aim/lengths.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include <fmt/format.h>

namespace harness::aim {
namespace {

constexpr std::size_t kSamplesKept = 200;

void keep(std::vector<std::int64_t>& samples, std::int64_t value) {
  samples.push_back(value);
  if (samples.size() > kSamplesKept) {
    samples.erase(samples.begin());
  }
}

std::int64_t at_quantile(const std::vector<std::int64_t>& sorted, double part) {
  return sorted[static_cast<std::size_t>(
      std::lround(part * static_cast<double>(sorted.size() - 1)))];
}

struct Opening {
  std::string window;
  std::int64_t at_us = 0;
};

struct Start {
  std::string invocation;
  std::vector<Opening> openings;  // each window's first, in order
  std::vector<Sample> samples;
};

void open(Start& start, const std::string& window, std::int64_t at_us) {
  if (std::ranges::find(start.openings, window, &Opening::window) == start.openings.end()) {
    start.openings.push_back({window, at_us});
  }
}

void close(Start& start, const std::string& window, std::int64_t at_us) {
  const auto opened = std::ranges::find(start.openings, window, &Opening::window);
  const bool known =
      std::ranges::find(start.samples, window, &Sample::window) != start.samples.end();
  if (opened == start.openings.end() || known) {
    return;
  }
  Sample sample{.window = window, .length_us = at_us - opened->at_us};
  for (const Opening& other : start.openings) {
    if (other.at_us < opened->at_us) {
      sample.since_us[other.window] = opened->at_us - other.at_us;
    }
  }
  start.samples.push_back(std::move(sample));
}

}  // namespace

std::string Stretch::text() const {
  return fmt::format("{} in {}{}{}", fault, window, offset.starts_with('-') ? "" : "+", offset);
}

std::string how_to_learn(const Where& where) {
  std::string out = fmt::format("hookshot windows learn --from {} --to {}{} -i INVENTORY",
                                where.from,
                                where.to,
                                where.by_reboot ? " --reboot" : "");
  if (where.stretch) {
    out += fmt::format(" --stretch '{}' --in {} --offset={}",
                       where.stretch.fault,
                       where.stretch.window,
                       where.stretch.offset);
  }
  return out;
}

std::optional<Learned> figures(std::vector<std::int64_t> samples_us) {
  if (samples_us.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(samples_us);
  const std::int64_t median = at_quantile(samples_us, 0.5);
  Learned out{.samples = samples_us.size(),
              .shortest = Microseconds(samples_us.front()),
              .median = Microseconds(median),
              .longest = Microseconds(samples_us.back())};
  std::ranges::transform(
      samples_us, samples_us.begin(), [&](std::int64_t value) { return std::abs(value - median); });
  std::ranges::sort(samples_us);
  out.spread = Microseconds(at_quantile(samples_us, 0.5));
  return out;
}

std::map<std::string, std::vector<Sample>> samples_of(const std::vector<Json>& events) {
  std::map<std::string, std::vector<Start>> starts;
  for (const Json& event : events) {
    if (json_string(event, "type") != "window") {
      continue;
    }
    std::vector<Start>& all = starts[json_string(event, "node")];
    const std::string invocation =
        json_string(event, "boot_id") + " " + json_string(event, "invocation");
    const bool same = !all.empty() && all.back().invocation == invocation;
    if (json_string(event, "op") == "opened") {
      if (!same) {
        all.push_back({.invocation = invocation, .openings = {}, .samples = {}});
      }
      open(all.back(), json_string(event, "window"), json_int(event, "mono_us"));
    } else if (same && !json_bool(event, "cut")) {
      close(all.back(), json_string(event, "window"), json_int(event, "mono_us"));
    }
  }
  std::map<std::string, std::vector<Sample>> out;
  for (auto& [node, all] : starts) {
    std::set<std::string> met;
    for (Start& start : all) {
      std::erase_if(start.samples, [&](const Sample& one) { return met.contains(one.window); });
      std::ranges::move(start.samples, std::back_inserter(out[node]));
      for (const Opening& opening : start.openings) {
        met.insert(opening.window);
      }
    }
  }
  return out;
}

void Lengths::add(const Where& where, const Sample& sample) {
  Samples& samples = samples_[where][sample.window];
  keep(samples.lengths_us, sample.length_us);
  for (const auto& [earlier, gap] : sample.since_us) {
    keep(samples.gaps_us[earlier], gap);
  }
}

bool Lengths::has(const std::string& run, const std::string& case_name, int trial) const {
  const auto cases = learned_from_.find(run);
  if (cases == learned_from_.end()) {
    return false;
  }
  const auto trials = cases->second.find(case_name);
  return trials != cases->second.end() && trials->second.contains(trial);
}

void Lengths::note(const std::string& run, const std::string& case_name, int trial) {
  learned_from_[run][case_name].insert(trial);
}

const Lengths::Samples* Lengths::find(const std::string& window,
                                      const Where& where,
                                      std::string& node) const {
  const auto in = [&](const Where& place) -> const Samples* {
    const auto windows = samples_.find(place);
    if (windows == samples_.end()) {
      return nullptr;
    }
    const auto found = windows->second.find(window);
    return found == windows->second.end() ? nullptr : &found->second;
  };
  node = where.node;
  if (const Samples* own = in(where)) {
    return own;
  }
  for (const auto& [other, windows] : samples_) {
    const bool alike =
        !servers_ || servers_->contains(other.node) == servers_->contains(where.node);
    if (alike && other.hop() == where.hop() && other.stretch == where.stretch &&
        windows.contains(window)) {
      node = other.node;
      return in(other);
    }
  }
  return nullptr;
}

std::optional<Learned> Lengths::length(const std::string& window, const Where& where) const {
  std::string node;
  const Samples* samples = find(window, where, node);
  auto out = samples == nullptr ? std::nullopt : figures(samples->lengths_us);
  if (out) {
    out->node = node;
  }
  return out;
}

std::optional<Learned> Lengths::gap(const std::string& earlier,
                                    const std::string& window,
                                    const Where& where) const {
  std::string node;
  const Samples* samples = find(window, where, node);
  if (samples == nullptr || !samples->gaps_us.contains(earlier)) {
    return std::nullopt;
  }
  auto out = figures(samples->gaps_us.at(earlier));
  if (out) {
    out->node = node;
  }
  return out;
}

std::vector<Lengths::Row> Lengths::rows() const {
  std::vector<Row> out;
  for (const auto& [where, windows] : samples_) {
    for (const auto& [window, samples] : windows) {
      if (const auto learned = figures(samples.lengths_us)) {
        out.push_back({where, window, *learned});
      }
    }
  }
  return out;
}

}  // namespace harness::aim
