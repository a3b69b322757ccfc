#include "harness/upgrade/artifacts.h"

#include <fstream>
#include <set>

#include <fmt/format.h>

#include "harness/observe/ask.h"

namespace harness::upgrade {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = "install.sh";
constexpr const char* kTarball = "rke2.linux-amd64.tar.gz";
constexpr const char* kSums = "sha256sum-amd64.txt";
constexpr std::chrono::minutes kDigestLimit{10};

constexpr std::size_t kHexDigits = 64;

Result<std::map<std::string, std::string>> read_sums(const fs::path& path) {
  std::map<std::string, std::string> sums;
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line = observe::trimmed(line);
    if (line.empty()) {
      continue;
    }
    auto sum = sum_line(line);
    if (!sum) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format(
              "{}:{} is no line of sha256sum: '{}'", path.string(), number, line.substr(0, 100)));
    }
    sums[sum->name] = sum->sha256;
  }
  return sums;
}

std::string unescaped(std::string_view name) {
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '\\' && i + 1 < name.size();
    const char c = escape ? name[++i] : name[i];
    plain += escape && c == 'n' ? '\n' : escape && c == 'r' ? '\r' : c;
  }
  return plain;
}

bool is_images(const std::string& name) {
  return name.starts_with("rke2-images") &&
         (name.ends_with(".linux-amd64.tar.gz") || name.ends_with(".linux-amd64.tar.zst"));
}

std::string fetch_hint(const Version& version) {
  return fmt::format("fetch it from the release {} of RKE2", version.tag());
}

}  // namespace

std::optional<Sum> sum_line(std::string_view line) {
  const bool escaped = line.starts_with('\\');
  line.remove_prefix(escaped ? 1 : 0);
  const std::string_view sum = line.substr(0, kHexDigits);
  const std::string_view rest = line.substr(sum.size());
  const bool shape = sum.size() == kHexDigits &&
                     sum.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
                     (rest.starts_with("  ") || rest.starts_with(" *")) && rest.size() > 2;
  if (!shape) {
    return std::nullopt;
  }
  const std::string_view name = rest.substr(2);
  return Sum{.sha256 = std::string(sum), .name = escaped ? unescaped(name) : std::string(name)};
}

Artifacts::Artifacts(fs::path root, std::unique_ptr<exec::CommandRunner> runner)
    : root_(std::move(root)), runner_(std::move(runner)) {}

Result<std::string> Artifacts::digest(const fs::path& path) const {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  const auto changed = fs::last_write_time(path, error).time_since_epoch().count();
  const std::string key = fmt::format("{} {} {}", path.string(), size, changed);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = digests_.find(key); known != digests_.end()) {
      return known->second;
    }
  }
  TRY_ASSIGN(const exec::CommandResult result,
             runner_->run(observe::words({"sha256sum", "--", path.string()}),
                          Deadline::after(kDigestLimit)),
             "sha256sum");
  const auto line = sum_line(observe::trimmed(result.out));
  if (!result.ok() || !line) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} cannot be read: {}", path.string(), observe::trimmed(result.err)));
  }
  const std::string sum = line->sha256;
  const std::lock_guard lock(mutex_);
  digests_[key] = sum;
  return sum;
}

Result<Artifact> Artifacts::verified_file(const fs::path& path,
                                          Artifact::Kind kind,
                                          const std::map<std::string, std::string>& sums,
                                          const Version& version) const {
  const std::string name = path.filename();
  TRY_ASSIGN(const std::string sum, digest(path), "read " + name);
  if (kind == Artifact::Kind::tarball || kind == Artifact::Kind::images) {
    const auto wanted = sums.find(name);
    if (wanted == sums.end()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} has no line for {}; {}",
                              (path.parent_path() / kSums).string(),
                              name,
                              fetch_hint(version)));
    }
    if (sum != wanted->second) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} has the checksum {}, but {} says {}; {} again",
                              path.string(),
                              sum.substr(0, 12),
                              kSums,
                              wanted->second.substr(0, 12),
                              fetch_hint(version)));
    }
  }
  std::error_code error;
  return Artifact{.kind = kind, .path = path, .sha256 = sum, .size = fs::file_size(path, error)};
}

Result<std::vector<Artifact>> Artifacts::verified(const Version& version) const {
  const fs::path folder = root_ / version.tag();
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is not there; put {}, {} and {} of the release {} into it",
                            folder.string(),
                            kScript,
                            kTarball,
                            kSums,
                            version.tag()));
  }
  for (const char* name : {kScript, kTarball, kSums}) {
    if (!fs::is_regular_file(folder / name, error)) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("{} is not there; {}", (folder / name).string(), fetch_hint(version)));
    }
  }
  std::vector<std::pair<fs::path, Artifact::Kind>> files{
      {folder / kTarball, Artifact::Kind::tarball}};
  std::set<fs::path> images;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_images(entry.path().filename())) {
      images.insert(entry.path());
    }
  }
  for (const fs::path& path : images) {
    files.emplace_back(path, Artifact::Kind::images);
  }
  files.emplace_back(folder / kSums, Artifact::Kind::sums);
  files.emplace_back(folder / kScript, Artifact::Kind::script);
  TRY_ASSIGN(const auto sums, read_sums(folder / kSums), "verify " + version.tag());
  std::vector<Artifact> all;
  for (const auto& [path, kind] : files) {
    TRY_ASSIGN(Artifact one, verified_file(path, kind, sums, version), "verify " + version.tag());
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace harness::upgrade
