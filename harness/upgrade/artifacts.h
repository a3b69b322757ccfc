// The files of a release on this machine, verified against their own checksums.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/version.h"
#include "harness/exec/runner.h"

namespace harness::upgrade {

struct Sum {
  std::string sha256;
  std::string name;
};

// A line of sha256sum, without its line end: `<64 hex digits>  <name>`. It begins with a backslash
// when the name is escaped; the name comes back as it is on disk. Nothing when it is no such line.
std::optional<Sum> sum_line(std::string_view line);

struct Artifact {
  enum class Kind { tarball, images, sums, script };
  Kind kind = Kind::tarball;
  std::filesystem::path path;
  std::string sha256;
  std::uintmax_t size = 0;

  std::string file() const { return path.filename(); }
};

class Artifacts {
 public:
  // Releases are in <root>/<version>/. `runner` runs sha256sum on this machine.
  Artifacts(std::filesystem::path root, std::unique_ptr<exec::CommandRunner> runner);

  // The tarball, the image archives that are there, the sums and install.sh, all of them verified.
  // invalid_input names the file and what to do.
  Result<std::vector<Artifact>> verified(const Version& version) const;

 private:
  Result<std::string> digest(const std::filesystem::path& path) const;
  Result<Artifact> verified_file(const std::filesystem::path& path,
                                 Artifact::Kind kind,
                                 const std::map<std::string, std::string>& sums,
                                 const Version& version) const;

  std::filesystem::path root_;
  std::unique_ptr<exec::CommandRunner> runner_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::string> digests_;  // by path, size and time of change
};

}  // namespace harness::upgrade
