// Starts recorded on lab nodes; recorded/README.md says what is in them. For tests only.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/base/json.h"
#include "harness/base/version.h"

namespace harness::plan {

inline const std::filesystem::path kRecorded =
    std::filesystem::path(HOOKSHOT_SOURCE_DIR) / "harness/plan/recorded";

struct Recording {
  std::string name;
  std::string role;
  std::optional<Version> release;
  std::set<std::string> conditions;  // that hold on the node
  std::vector<Json> facts;
};

inline Recording read_recording(const std::filesystem::path& file) {
  Recording out{
      .name = file.stem().string(), .role = {}, .release = {}, .conditions = {}, .facts = {}};
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) {
    const auto line = parse_json(text);
    if (!line) {
      ADD_FAILURE() << file << ": " << text;
    } else if (json_string(*line, "type") == "recording") {
      out.role = json_string(*line, "role");
      const auto release = Version::parse(json_string(*line, "release"));
      out.release = release ? std::optional(*release) : std::nullopt;
      for (const Json& one : (*line)["conditions"]) {
        out.conditions.insert(one.get<std::string>());
      }
    } else {
      out.facts.push_back(*line);
    }
  }
  EXPECT_TRUE(out.release) << file << " does not say its release";
  return out;
}

inline std::vector<Recording> recordings() {
  std::vector<std::filesystem::path> files;
  for (const auto& item : std::filesystem::directory_iterator(kRecorded)) {
    if (item.path().extension() == ".jsonl") {
      files.push_back(item.path());
    }
  }
  std::ranges::sort(files);
  std::vector<Recording> out;
  std::ranges::transform(files, std::back_inserter(out), read_recording);
  return out;
}

}  // namespace harness::plan
