#include "harness/aim/sweep.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

namespace harness::aim {
namespace {

constexpr int kVisitsPerInstant = 2;

// An instant that needs no more visits: it was hit and judged, or aimed at twice.
struct Point {
  std::int64_t at = 0;
  bool hit = false;  // there is something to hit
};

struct Gap {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool beside_hit = false;

  std::int64_t size() const { return end - begin; }

  std::int64_t middle() const { return begin + size() / 2; }
};

// What lies closer together than half the resolution is one instant.
bool tried(const SweepPlan& plan, const std::vector<Visit>& visits, const Aim& aim) {
  return std::ranges::count_if(visits, [&](const Visit& visit) {
           return visit.planned.where == aim.where &&
                  2 * std::abs((visit.planned.distance - aim.distance).count()) <=
                      plan.resolution.count();
         }) >= kVisitsPerInstant;
}

// A window that lasted longer than the learned length is hit at its end.
std::int64_t inside(const SweepPlan& plan, Microseconds landed) {
  return std::clamp<std::int64_t>(landed.count(), 0, plan.length.count());
}

bool proved(const Visit& visit) {
  return visit.landed && visit.judged;
}

bool hit_where(const std::vector<Visit>& visits, Aim::Where where) {
  return std::ranges::any_of(
      visits, [&](const Visit& visit) { return visit.planned.where == where && proved(visit); });
}

// How long after the instant that was aimed at an effect is felt, usually.
std::int64_t lag(const std::vector<Visit>& visits) {
  std::vector<std::int64_t> all;
  for (const Visit& visit : visits) {
    if (visit.planned.where == Aim::Where::inside && visit.landed) {
      all.push_back((*visit.landed - visit.planned.distance).count());
    }
  }
  if (all.empty()) {
    return 0;
  }
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::ranges::nth_element(all, middle);
  return std::max<std::int64_t>(*middle, 0);
}

std::vector<Point> hits(const SweepPlan& plan, const std::vector<Visit>& visits) {
  std::vector<Point> out;
  for (const Visit& visit : visits) {
    if (proved(visit) && visit.planned.where == Aim::Where::inside) {
      out.push_back({inside(plan, *visit.landed), true});
    }
  }
  return out;
}

std::vector<Point> settled(const SweepPlan& plan,
                           const std::vector<Visit>& visits,
                           std::int64_t late) {
  std::vector<Point> out = hits(plan, visits);
  for (const Visit& visit : visits) {
    if (visit.planned.where == Aim::Where::inside && tried(plan, visits, visit.planned)) {
      out.push_back({visit.planned.distance.count() + late, visit.landed.has_value()});
    }
  }
  return out;
}

std::vector<Gap> gaps(const SweepPlan& plan, std::vector<Point> points, std::int64_t from) {
  std::ranges::sort(points, {}, &Point::at);
  std::vector<Gap> out;
  Point last{from};
  for (const Point& point : points) {
    out.push_back({last.at, point.at, last.hit || point.hit});
    last = {std::max(from, point.at), point.hit};
  }
  out.push_back({last.at, plan.length.count(), last.hit});
  return out;
}

// Where nothing was hit on either side nothing may be there to be hit: such gaps come last.
Gap next_gap(const SweepPlan& plan, const std::vector<Gap>& all) {
  Gap out;
  for (const Gap& gap : all) {
    const auto rank = [&](const Gap& one) {
      const bool open = one.size() > plan.resolution.count();
      return std::tuple(open, one.beside_hit, one.size());
    };
    out = rank(gap) > rank(out) ? gap : out;
  }
  return out;
}

std::string limit_reached(const SweepPlan& plan,
                          const std::vector<Visit>& visits,
                          Microseconds elapsed) {
  if (plan.count > 0 && static_cast<int>(visits.size()) >= plan.count) {
    return fmt::format("{} trials were asked for", plan.count);
  }
  if (plan.time.count() > 0 && elapsed >= plan.time) {
    return fmt::format("its time of {} is over", format_duration(plan.time));
  }
  const auto passed = std::ranges::count_if(visits, [](const Visit& visit) {
    return visit.planned.where == Aim::Where::inside && proved(visit) && !visit.failed;
  });
  const bool failed = std::ranges::any_of(visits, &Visit::failed);
  if (plan.confidence > 0 && !failed && passed >= passes_wanted(plan.confidence, plan.fail_rate)) {
    return fmt::format("{} hits inside without a failure: {:g} % sure that fewer than {:g} % fail",
                       passed,
                       plan.confidence * 100,
                       plan.fail_rate * 100);
  }
  return {};
}

}  // namespace

int passes_wanted(double confidence, double fail_rate) {
  if (confidence <= 0 || confidence >= 1 || fail_rate <= 0 || fail_rate >= 1) {
    return 0;
  }
  return static_cast<int>(std::ceil(std::log(1 - confidence) / std::log(1 - fail_rate)));
}

Microseconds largest_gap(const SweepPlan& plan, const std::vector<Visit>& visits) {
  const std::vector<Gap> all = gaps(plan, hits(plan, visits), 0);
  return Microseconds(std::ranges::max(all, {}, &Gap::size).size());
}

Next next_instant(const SweepPlan& plan, const std::vector<Visit>& visits, Microseconds elapsed) {
  if (std::string why = limit_reached(plan, visits, elapsed); !why.empty()) {
    return {std::nullopt, std::move(why)};
  }
  const auto wanted = [&](const Aim& aim) {
    return !hit_where(visits, aim.where) && !tried(plan, visits, aim);
  };
  const Aim opening{};
  if (wanted(opening)) {
    return {opening, "the opening"};
  }
  const bool begun = visits.size() >= 2;
  const Aim before{Aim::Where::before, plan.resolution};
  const Aim after{Aim::Where::after, plan.resolution};
  if (plan.around && plan.before && begun && wanted(before)) {
    return {before, "just before the window"};
  }
  if (plan.around && begun && wanted(after)) {
    return {after, "just after the window"};
  }
  const std::int64_t late = lag(visits);
  const Gap gap = next_gap(plan, gaps(plan, settled(plan, visits, late), late));
  if (gap.size() <= plan.resolution.count()) {
    return {std::nullopt,
            fmt::format("no gap is larger than {}", format_duration(plan.resolution))};
  }
  return {Aim{Aim::Where::inside, Microseconds(gap.middle() - late)},
          fmt::format("the middle of a gap of {}", format_duration(Microseconds(gap.size())))};
}

}  // namespace harness::aim
