// results/<UTC time>-<suites>-<id>/ and the link results/latest. results/README.md says what the
// files hold.
#pragma once

#include <filesystem>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::run {

class RunFolder {
 public:
  // Makes the folder and moves the link `latest` to it.
  static Result<RunFolder> create(const std::filesystem::path& results, const std::string& suites);
  // An existing one; `latest` is followed.
  static Result<RunFolder> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  std::string name() const { return path_.filename().string(); }

  std::string events() const { return (path_ / "events.jsonl").string(); }

  // cases/<case>/<trial>, with the case's name made fit for a file system.
  std::filesystem::path trial(const std::string& case_name, int trial) const;

  // There whole or not at all.
  Status write(const std::string& file, const std::string& content) const;
  Result<Json> read(const std::string& file) const;
  // A list of words in a file that read gave; empty where it has none.
  static std::vector<std::string> words(const Json& json, const char* key);

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace harness::run
