#include "harness/guard/mirror.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace harness::guard {
namespace fs = std::filesystem;

namespace {

constexpr const char* kSaved = "saved";
constexpr std::size_t kLargest = 1U << 20U;

Json stamped(Json document) {
  document[kSaved] = {{"boot_id", boot_id()}, {"mono_us", now().mono_us}};
  return document;
}

Json stamp_of(const Json& document) {
  return document.value(kSaved, Json::object());
}

// All that was written in another boot is older than anything of this one.
std::int64_t age_order(const Json& document) {
  const Json stamp = stamp_of(document);
  return json_string(stamp, "boot_id") == boot_id() ? json_int(stamp, "mono_us") : 0;
}

Result<Json> read_document(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_whole(path, kLargest), "document");
  TRY_ASSIGN(Json document, parse_json(text), path);
  if (!document.is_object()) {
    return fail(ErrorCode::remote_failed, path + " holds no JSON object");
  }
  return document;
}

bool newer(const Result<Json>& mirror, const Result<Json>& disk) {
  return mirror && age_order(*mirror) > (disk ? age_order(*disk) : 0);
}

}  // namespace

Status Mirror::to_disk(const std::string& key,
                       const std::string& path,
                       const Json& document,
                       Sync sync) const {
  TRY(write_(path, text_of(document), sync), "save");
  unlink(file(key).c_str());
  return {};
}

Status Mirror::put(const std::string& key,
                   const std::string& path,
                   Json document,
                   Sync sync) const {
  const Json whole = stamped(std::move(document));
  const Status saved = to_disk(key, path, whole, sync);
  std::error_code problem;
  if (saved || !fs::is_directory(parent_directory(path), problem)) {
    return saved;
  }
  Status kept = make_dir(directory_);
  if (kept) {
    kept = write_whole(file(key), text_of(whole), Sync::later);
  }
  if (!kept) {
    return fail(ErrorCode::remote_failed, saved.error().message() + "; " + kept.error().message());
  }
  if (sync == Sync::waited) {  // else something must not be delayed
    audit(fmt::format(
        "{} is in {} until the disk takes it: {}", key, directory_, saved.error().message()));
  }
  return {};
}

Status Mirror::commit(const std::string& key, const std::string& path, Json document) const {
  return to_disk(key, path, stamped(std::move(document)), Sync::waited);
}

Result<Json> Mirror::get(const std::string& key, const std::string& path) const {
  // In this order: a mirror goes only after the disk has what it had.
  auto mirror = read_document(file(key));
  auto disk = read_document(path);
  auto& found = newer(mirror, disk) ? mirror : disk;
  if (found) {
    found->erase(kSaved);
  }
  return std::move(found);
}

Status Mirror::fold(const std::string& key, const std::string& path) const {
  const auto mirror = read_document(file(key));
  if (!mirror) {
    return {};
  }
  if (newer(mirror, read_document(path))) {
    return to_disk(key, path, *mirror, Sync::waited);
  }
  unlink(file(key).c_str());
  return {};
}

bool Mirror::holds(const std::string& key) const {
  return access(file(key).c_str(), F_OK) == 0;
}

std::vector<std::string> Mirror::keys() const {
  std::vector<std::string> out;
  std::error_code problem;
  for (const auto& item : fs::directory_iterator(directory_, problem)) {
    if (item.path().extension() == ".json") {
      out.push_back(item.path().stem().string());
    }
  }
  return out;
}

}  // namespace harness::guard
