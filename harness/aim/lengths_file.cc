// The file of learned lengths.
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "harness/aim/lengths.h"
#include "harness/base/restart.h"

namespace harness::aim {
namespace {

tl::unexpected<Error> broken(const std::string& what, std::string_view problem) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} {}; mend it, or move the file away and let `hookshot windows learn` "
                          "write it anew",
                          what,
                          problem));
}

Result<std::vector<std::int64_t>> numbers(const Json& json, const std::string& what) {
  std::vector<std::int64_t> out;
  if (!json.is_array()) {
    return broken(what, "must be a list of numbers");
  }
  for (const Json& value : json) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0) {
      return broken(what, "holds something else than microseconds");
    }
    out.push_back(value.get<std::int64_t>());
  }
  return out;
}

Result<std::map<std::string, std::vector<std::int64_t>>> gaps(const Json& json,
                                                              const std::string& what) {
  std::map<std::string, std::vector<std::int64_t>> out;
  if (!json.is_object()) {
    return broken(what, "must have lists of numbers by windows as its gaps_us");
  }
  for (const auto& [earlier, values] : json.items()) {
    TRY_ASSIGN(out[earlier], numbers(values, what), "after " + earlier);
  }
  return out;
}

using Trials = std::map<std::string, std::map<std::string, std::set<int>>>;

Result<Trials> trials_in(const Json& json, const std::string& file) {
  Trials out;
  if (!json.is_object()) {
    return broken(file + ": learned_from", "must be an object of runs");
  }
  for (const auto& [run, cases] : json.items()) {
    if (!cases.is_object()) {
      return broken(fmt::format("{}: {}", file, run), "must be an object of cases");
    }
    for (const auto& [name, trials] : cases.items()) {
      const std::string what = fmt::format("{}: {} of {}", file, name, run);
      if (!trials.is_array()) {
        return broken(what, "must be a list of trials");
      }
      for (const Json& trial : trials) {
        if (!trial.is_number_integer()) {
          return broken(what, "holds something else than trials");
        }
        out[run][name].insert(trial.get<int>());
      }
    }
  }
  return out;
}

// What a row must have before it is read.
Status check_row(const Json& row, const std::string& what) {
  if (!row.is_object()) {
    return broken(what, "must be an object");
  }
  for (const char* key : {"node", "from", "to", "window"}) {
    if (!row.contains(key) || !row[key].is_string()) {
      return broken(what, fmt::format("must have a text as its {}", key));
    }
  }
  if (row.contains("stretch") && !row["stretch"].is_object()) {
    return broken(what, "must have an object as its stretch");
  }
  return {};
}

}  // namespace

std::filesystem::path Lengths::beside(const std::filesystem::path& inventory) {
  std::filesystem::path out = inventory;
  return out.replace_extension(".lengths.json");
}

Result<Lengths> Lengths::load(const std::filesystem::path& file) {
  Lengths out;
  std::error_code problem;
  if (!std::filesystem::exists(file, problem)) {
    return out;
  }
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  TRY_ASSIGN(const Json json, parse_json(text.str()), file.string());
  if (!json.is_object() || !json.contains("learned") || !json["learned"].is_array()) {
    return fail(
        ErrorCode::invalid_input,
        file.string() + ": no file of learned lengths; `hookshot windows learn` writes one");
  }
  TRY(read_rows(file.string(), json["learned"], false, out), "learned");
  TRY(read_rows(file.string(), json.value("stretched", Json::array()), true, out), "stretched");
  TRY_ASSIGN(out.learned_from_,
             trials_in(json.value("learned_from", Json::object()), file.string()),
             "learned_from");
  return out;
}

Status Lengths::read_rows(const std::string& file, const Json& rows, bool stretched, Lengths& out) {
  if (!rows.is_array()) {
    return broken(file, "must have a list of rows as its stretched");
  }
  int number = 0;
  for (const Json& row : rows) {
    TRY(check_row(row, fmt::format("{}: row {}", file, ++number)), "");
    const Json stretch = json_object(row, "stretch");
    const Where where{.node = json_string(row, "node"),
                      .from = json_string(row, "from"),
                      .to = json_string(row, "to"),
                      .by_reboot = is_by_reboot(row),
                      .stretch = {.fault = json_string(stretch, "fault"),
                                  .window = json_string(stretch, "window"),
                                  .offset = json_string(stretch, "offset")}};
    const std::string window = json_string(row, "window");
    const std::string what = fmt::format("{}: {} of {}", file, window, where.node);
    if (stretched != static_cast<bool>(where.stretch)) {
      return broken(what, stretched ? "does not say what stretches it" : "is stretched");
    }
    Samples& samples = out.samples_[where][window];
    TRY_ASSIGN(samples.lengths_us, numbers(row.value("lengths_us", Json()), what), "lengths_us");
    TRY_ASSIGN(samples.gaps_us, gaps(row.value("gaps_us", Json::object()), what), "gaps_us");
  }
  return {};
}

Json Lengths::to_json() const {
  // Apart, so that whoever knows of no stretch takes none for natural.
  Json out = {{"learned", Json::array()}, {"stretched", Json::array()}};
  for (const auto& [where, windows] : samples_) {
    for (const auto& [window, samples] : windows) {
      Json row = {{"node", where.node},
                  {"from", where.from},
                  {"to", where.to},
                  {"window", window},
                  {"lengths_us", samples.lengths_us},
                  {"gaps_us", samples.gaps_us}};
      put_by_reboot(row, where.by_reboot);
      if (where.stretch) {
        row["stretch"] = {{"fault", where.stretch.fault},
                          {"window", where.stretch.window},
                          {"offset", where.stretch.offset}};
      }
      if (const auto learned = figures(samples.lengths_us)) {
        row["median_us"] = learned->median.count();
        row["spread_us"] = learned->spread.count();
      }
      out[where.stretch ? "stretched" : "learned"].push_back(std::move(row));
    }
  }
  out["learned_from"] = learned_from_;
  return out;
}

Status Lengths::save(const std::filesystem::path& file) const {
  const std::string part = file.string() + ".part";
  std::ofstream out(part, std::ios::trunc);
  out << to_json().dump(1) << "\n";
  out.close();
  std::error_code problem;
  if (out) {
    std::filesystem::rename(part, file, problem);
  }
  if (!out || problem) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} cannot be written{}",
                            file.string(),
                            problem ? ": " + problem.message() : std::string()));
  }
  return {};
}

}  // namespace harness::aim
