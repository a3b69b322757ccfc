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
  std::set<std::string> starts;      // the invocations that are in it
  std::set<std::string> died;        // those of them that ended before they were ready
  std::vector<Json> facts;
};

inline std::set<std::string> texts(const Json& head, const char* key) {
  std::set<std::string> out;
  for (const Json& one : head.value(key, Json::array())) {
    out.insert(one.get<std::string>());
  }
  return out;
}

inline Recording read_recording(const std::filesystem::path& file) {
  Recording out;
  out.name = file.stem().string();
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) {
    const auto line = parse_json(text);
    if (!line) {
      ADD_FAILURE() << file << ": " << text;
    } else if (json_string(*line, "type") == "recording") {
      out.role = json_string(*line, "role");
      const auto release = Version::parse(json_string(*line, "release"));
      out.release = release ? std::optional(*release) : std::nullopt;
      out.conditions = texts(*line, "conditions");
      out.starts = texts(*line, "starts");
      out.died = texts(*line, "died");
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
