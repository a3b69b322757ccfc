#include "harness/guard/swapped_place.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "harness/guard/action_certificate.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/action_rows.h"
#include "harness/guard/data_dir.h"
#include "harness/guard/file_moves.h"
#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::size_t kLargestRecord = 1U << 20U;

// The data directory whose file arming would have called so; empty: it swaps no such file.
std::string data_dir_of(const std::string& path, const std::string& kind) {
  std::vector<std::string> ends;
  if (kind != "manifest") {
    ends = certificate_files();
  } else {
    for (const std::string_view pod : form_of(Action::Kind::manifest).pods) {
      ends.push_back(fmt::format("{}/{}.yaml", manifests_in(""), pod));
    }
  }
  const auto end =
      std::ranges::find_if(ends, [&](const std::string& one) { return path.ends_with(one); });
  return end == ends.end() ? std::string() : path.substr(0, path.size() - end->size());
}

// Also of a record that this build cannot read; empty: nobody can say.
std::string recorded_data_dir(const std::string& before) {
  const auto text = read_whole(parent_directory(before) + "/record.json", kLargestRecord);
  return text ? json_string(parse_json(*text).value_or(Json()), "data_dir") : std::string();
}

}  // namespace

Status check_swapped(const Json& held, const std::string& aside, const std::string& before) {
  const auto refuse = [&](const char* what, const std::string& value, const char* why) {
    return fail(damaged(
        what,
        value,
        why,
        fmt::format("{} is what stood there, if it is there: put it back by hand", before)));
  };
  const std::string path = json_string(held, "path");
  const std::string unit = json_string(held, "unit");
  const std::string data_dir =
      check_path("path", path) ? data_dir_of(path, json_string(held, "kind")) : std::string();
  const std::string recorded = recorded_data_dir(before);
  if (data_dir.empty()) {
    return refuse("path", path, "is no file that a fault changes");
  }
  if (!recorded.empty() && data_dir != recorded) {
    return refuse("path", path, "is not below the record's data_dir");
  }
  if (aside != before && (json_bool(held, "in_place") || aside != name_above(path, before))) {
    return refuse("aside", aside, "is where no fault keeps a file");
  }
  return check_held_unit(unit);
}

}  // namespace harness::guard
