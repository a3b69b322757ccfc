#include "harness/run/run_folder.h"

#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "harness/base/time.h"

namespace harness::run {
namespace fs = std::filesystem;

namespace {

std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ||
                      c == '_' || c == '+';
    out += fits ? c : '_';
  }
  return out.substr(0, 200);
}

}  // namespace

Result<RunFolder> RunFolder::create(const fs::path& results, const std::string& suites) {
  const std::string now = format_wall(wall_now_us());
  const std::string name = fmt::format("{}{}{}T{}{}{}Z-{}-{:04x}",
                                       now.substr(0, 4),
                                       now.substr(5, 2),
                                       now.substr(8, 2),
                                       now.substr(11, 2),
                                       now.substr(14, 2),
                                       now.substr(17, 2),
                                       plain(suites).substr(0, 60),
                                       std::random_device()() & 0xffffU);
  std::error_code problem;
  fs::create_directories(results / name / "cases", problem);
  if (problem) {
    return fail(ErrorCode::invalid_input,
                fmt::format("make {}: {}", (results / name).string(), problem.message()));
  }
  const fs::path fresh = results / fmt::format(".latest-{}", name);
  fs::create_directory_symlink(name, fresh, problem);
  fs::rename(fresh, results / "latest", problem);
  return RunFolder(fs::absolute(results / name));
}

Result<RunFolder> RunFolder::open(const fs::path& path) {
  std::error_code problem;
  const fs::path real = fs::canonical(path, problem);
  if (problem || !fs::exists(real / "events.jsonl", problem)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is no run folder: it has no events.jsonl", path.string()));
  }
  return RunFolder(real);
}

fs::path RunFolder::trial(const std::string& case_name, int trial) const {
  return path_ / "cases" / plain(case_name) / std::to_string(trial);
}

Status RunFolder::write(const std::string& file, const std::string& content) const {
  const fs::path fresh = path_ / ("." + file + ".new");
  {
    std::ofstream out(fresh, std::ios::binary);
    out << content;
    out.flush();
    if (!out) {
      return fail(ErrorCode::internal, fmt::format("write {}: is the disk full?", fresh.string()));
    }
  }
  std::error_code problem;
  fs::rename(fresh, path_ / file, problem);
  return problem ? Status(fail(ErrorCode::internal,
                               fmt::format("write {}: {}", file, problem.message())))
                 : Status();
}

std::vector<std::string> RunFolder::words(const Json& json, const char* key) {
  std::vector<std::string> out;
  for (const Json& word : json.value(key, Json::array())) {
    out.push_back(word.is_string() ? word.get<std::string>() : "");
  }
  return out;
}

Result<Json> RunFolder::read(const std::string& file) const {
  std::ifstream in(path_ / file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is not in the run folder {}", file, path_.string()));
  }
  TRY_ASSIGN(Json json, parse_json(text.str()), (path_ / file).string());
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: it holds JSON of type {} and not the object that a run leaves, so "
                            "it was changed or damaged; copy the run folder anew",
                            (path_ / file).string(),
                            json.type_name()));
  }
  return json;
}

}  // namespace harness::run
