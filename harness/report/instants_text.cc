#include <string_view>

#include <fmt/format.h>

#include "harness/base/length.h"
#include "harness/report/instants.h"
#include "harness/report/report.h"

namespace harness::report {
namespace {

char sign_of(const InstantMap::Bucket& bucket) {
  return bucket.fails > 0      ? 'X'
         : bucket.hits > 0     ? 'o'
         : bucket.unproven > 0 ? '?'
         : bucket.misses > 0   ? '-'
                               : '.';
}

Json to_json(const InstantMap::Bucket& bucket) {
  return {{"hits", bucket.hits},
          {"fails", bucket.fails},
          {"misses", bucket.misses},
          {"unproven", bucket.unproven},
          {"longest_recovery_s", bucket.longest_recovery_s}};
}

std::string part_text(const std::string& where, const InstantMap::Bucket& bucket) {
  if (bucket.hits == 0 && bucket.misses == 0 && bucket.unproven == 0) {
    return {};
  }
  return fmt::format(
      "    {:<20} {} hit(s), {} not survived, {} miss(es){}{}\n",
      where,
      bucket.hits,
      bucket.fails,
      bucket.misses,
      bucket.unproven > 0 ? fmt::format(", {} hit(s) without enough facts", bucket.unproven) : "",
      bucket.longest_recovery_s > 0
          ? fmt::format(", longest recovery {:.1f} s", bucket.longest_recovery_s)
          : "");
}

std::string parts_text(const InstantMap& map) {
  std::string out = part_text("before", map.before);
  for (std::size_t i = 0; i < map.inside.size(); ++i) {
    const auto at = [&](std::size_t part) {
      return format_length(Microseconds(map.bucket_us * static_cast<std::int64_t>(part)));
    };
    out += part_text(map.length_us == 0 ? "inside" : fmt::format("{} to {}", at(i), at(i + 1)),
                     map.inside[i]);
  }
  return out + part_text("after", map.after);
}

}  // namespace

std::string to_text(const InstantMap& map) {
  std::string line;
  for (const InstantMap::Bucket& bucket : map.inside) {
    line += sign_of(bucket);
  }
  std::string out = fmt::format("{} in {}{} on {}, {}{}\n  {}|{}|{}  {}",
                                table_cell(map.fault),
                                table_cell(map.window),
                                map.seen_on.empty() ? "" : " of " + table_cell(map.seen_on),
                                table_cell(map.target),
                                table_cell(map.hop),
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
  return out + "\n" + parts_text(map);
}

std::string to_text(const std::vector<InstantMap>& maps) {
  std::string out;
  for (const InstantMap& map : maps) {
    out += to_text(map);
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
    if (!map.seen_on.empty()) {
      one["while"] = map.seen_on;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace harness::report
