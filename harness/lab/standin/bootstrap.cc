#include "harness/lab/standin/bootstrap.h"

#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include "harness/base/time.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPrefix = "/bootstrap/";
constexpr const char* kAfterPrefix = "/bootstrap0";
constexpr std::int64_t kClockSkew = 3;
constexpr std::int64_t kMicroseconds = 1'000'000;

struct Part {
  const char* key;   // the product's name for it
  const char* file;  // below server/
};

constexpr Part kParts[] = {{"ClientCA", "tls/client-ca.crt"},
                           {"ClientCAKey", "tls/client-ca.key"},
                           {"ETCDPeerCA", "tls/etcd/peer-ca.crt"},
                           {"ETCDPeerCAKey", "tls/etcd/peer-ca.key"},
                           {"ETCDServerCA", "tls/etcd/server-ca.crt"},
                           {"ETCDServerCAKey", "tls/etcd/server-ca.key"},
                           {"PasswdFile", "cred/passwd"},
                           {"RequestHeaderCA", "tls/request-header-ca.crt"},
                           {"RequestHeaderCAKey", "tls/request-header-ca.key"},
                           {"ServerCA", "tls/server-ca.crt"},
                           {"ServerCAKey", "tls/server-ca.key"},
                           {"ServiceKey", "tls/service.key"}};

std::int64_t changed_at(const fs::path& file) {
  struct stat status {};

  return ::stat(file.c_str(), &status) == 0 ? status.st_mtime : 0;
}

Status write_back(const fs::path& file, const std::string& content, std::int64_t seconds) {
  TRY(machine::write_file(file, content, file.extension() == ".crt" ? 0644 : 0600),
      "bootstrap data");
  const timespec time{seconds, 0};
  const timespec both[2] = {time, time};
  ::utimensat(AT_FDCWD, file.c_str(), both, 0);
  return {};
}

struct Kept {
  fs::path file;
  std::string content;
  std::int64_t seconds = 0;
};

Result<std::vector<Kept>> parts_in(const Paths& paths, std::string_view kept) {
  TRY_ASSIGN(const Json all, parse_json(kept), "bootstrap data");
  std::vector<Kept> out;
  for (const auto& part : kParts) {
    const Json one = all.value(part.key, Json::object());
    if (json_string(one, "Timestamp").empty()) {
      continue;
    }
    TRY_ASSIGN(const std::int64_t at, parse_wall(json_string(one, "Timestamp")), part.key);
    TRY_ASSIGN(std::string content, machine::unbase64(json_string(one, "Content")), part.key);
    out.push_back({paths.server() / part.file, std::move(content), at / kMicroseconds});
  }
  return out;
}

Status write_all(const std::vector<Kept>& parts) {
  for (const auto& part : parts) {
    TRY(write_back(part.file, part.content, part.seconds), part.file.string());
  }
  return {};
}

}  // namespace

std::string bootstrap_key(const Config& config, const Paths& paths) {
  const auto on_disk = machine::read_file(paths.server() / "token");
  const std::string text = !config.token.empty() ? config.token : on_disk ? *on_disk : "";
  const auto token = parse_token(text, "server");
  return kPrefix + machine::sha256_hex(token ? token->password : "").substr(0, 12);
}

std::string bootstrap_data(const Paths& paths) {
  Json all = Json::object();
  for (const auto& part : kParts) {
    const fs::path file = paths.server() / part.file;
    if (const auto content = machine::read_file(file)) {
      all[part.key] = {{"Timestamp", format_wall(changed_at(file) * kMicroseconds)},
                       {"Content", machine::base64(*content)}};
    }
  }
  return all.dump();
}

Json bootstrap_range() {
  return {{"key", machine::base64(kPrefix)}, {"range_end", machine::base64(kAfterPrefix)}};
}

Result<std::string> bootstrap_value(const Json& answer, const std::string& key) {
  const Json all = answer.value("kvs", Json::array());
  for (const auto& one : all) {
    if (json_string(one, "key") == machine::base64(key)) {
      return machine::unbase64(json_string(one, "value"));
    }
  }
  if (!all.empty()) {
    return fail(ErrorCode::invalid_input,
                "bootstrap data already found and encrypted with different token");
  }
  return std::string();
}

Status reconcile_files(const Paths& paths, std::string_view kept) {
  TRY_ASSIGN(const std::vector<Kept> parts, parts_in(paths, kept), "reconcile");
  std::vector<std::string> newer;
  bool update = false;
  for (const auto& part : parts) {
    const auto on_disk = machine::read_file(part.file);
    if (!on_disk) {
      logrus::warning("{} doesn't exist. continuing...", part.file.string());
      update = true;
    } else if (*on_disk == part.content) {
      continue;
    } else if (changed_at(part.file) - part.seconds >= kClockSkew) {
      newer.push_back(part.file);
    } else {
      logrus::warning("{} will be updated from the datastore.", part.file.string());
      update = true;
    }
  }
  if (!newer.empty()) {
    return fail(ErrorCode::refused,
                fmt::format("{} newer than datastore and could cause a cluster outage. Remove the "
                            "file(s) from disk and restart to be recreated from datastore.",
                            fmt::join(newer, ", ")));
  }
  if (!update) {
    return {};
  }
  logrus::warning("Updating bootstrap data on disk from datastore");
  return write_all(parts);
}

Status write_bootstrap_files(const Paths& paths, std::string_view kept) {
  TRY_ASSIGN(const std::vector<Kept> parts, parts_in(paths, kept), "bootstrap data");
  return write_all(parts);
}

}  // namespace harness::standin
