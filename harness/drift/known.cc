#include "harness/drift/known.h"

#include <algorithm>
#include <filesystem>

#include "harness/yaml/reader.h"

namespace harness::drift {

Result<std::vector<std::string>> load_known(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code problem;
  for (const auto& item : std::filesystem::directory_iterator(directory, problem)) {
    if (item.path().extension() == ".yaml") {
      files.push_back(item.path().string());
    }
  }
  if (problem) {
    return fail(ErrorCode::invalid_input, directory + ": " + problem.message());
  }
  std::ranges::sort(files);
  std::vector<std::string> out;
  for (const std::string& file : files) {
    TRY_ASSIGN(const yaml::Value root, yaml::read(file), "known lines");
    yaml::Problems problems(file);
    yaml::Reader reader(root, "known lines", problems);
    for (std::string& glob : reader.texts("known")) {
      out.push_back(std::move(glob));
    }
    reader.finish();
    TRY(problems.status(), "known lines");
  }
  return out;
}

}  // namespace harness::drift
