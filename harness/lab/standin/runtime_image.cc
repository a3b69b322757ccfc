#include "harness/lab/standin/runtime_image.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/lab/standin/child.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

Status extract(const fs::path& archive,
               const std::vector<std::string>& layers,
               const fs::path& target) {
  const fs::path work = target.string() + ".new";
  std::error_code error;
  fs::remove_all(work, error);
  fs::create_directories(work / "root", error);
  std::vector<std::string> unpack = {"tar", "-xf", archive, "-C", work, "--occurrence=1"};
  unpack.insert(unpack.end(), layers.begin(), layers.end());
  TRY(capture({unpack, {}, {}}), "extract layers");
  for (const auto& layer : layers) {
    TRY(capture({{"tar", "-xf", work / layer, "-C", work / "root", "--no-same-owner"}, {}, {}}),
        "extract " + layer);
  }
  for (const auto& entry : fs::recursive_directory_iterator(work / "root", error)) {
    const std::string name = entry.path().lexically_relative(work / "root");
    logrus::info("{} {}",
                 entry.is_directory() ? "Creating directory" : "Extracting file",
                 (target / name).string());
  }
  fs::remove_all(target, error);
  fs::rename(work / "root", target, error);
  fs::remove_all(work);
  if (error || !fs::is_directory(target / "bin")) {
    return fail(ErrorCode::internal, "the image has no bin directory");
  }
  return {};
}

Status find_and_extract(const Node& node, const std::string& reference, const fs::path& target) {
  logrus::info(
      "Checking local image archives in {} for {}", node.paths.images().string(), reference);
  for (const auto& archive : image_archives(node.paths)) {
    const auto manifest = archive_manifest(archive);
    if (!manifest) {
      logrus::info(
          "Failed to find {} in {}: {}", reference, archive.string(), manifest.error().message());
      continue;
    }
    TRY_ASSIGN(const auto layers, layers_of(*manifest, reference), archive.string());
    if (layers.empty()) {
      logrus::info("Failed to find {} in {}: tag {} not found in tarball",
                   reference,
                   archive.string(),
                   reference);
      continue;
    }
    TRY(extract(archive, layers, target), "failed to extract runtime image");
    return {};
  }
  logrus::warning(
      "Failed to load runtime image {} from tarball: no local image available for {}: not found in "
      "any "
      "file in {}: image not found",
      reference,
      reference,
      node.paths.images().string());
  return fail(ErrorCode::not_supported,
              fmt::format("failed to get runtime image {}: the stand-in cannot pull; put the "
                          "release's images into {}",
                          reference,
                          node.paths.images().string()));
}

void copy_charts(const Node& node, const fs::path& charts) {
  const fs::path target = node.paths.server() / "manifests";
  std::error_code ignored;
  fs::create_directories(target, ignored);
  for (const auto& entry : fs::directory_iterator(charts, ignored)) {
    const fs::path file = target / entry.path().filename();
    fs::copy_file(entry.path(), file, fs::copy_options::overwrite_existing, ignored);
    logrus::info("No cluster configuration value changes necessary for manifest {}", file.string());
  }
}

}  // namespace

std::string runtime_directory_name(const std::string& reference) {
  return reference.substr(reference.rfind(':') + 1) + "-" +
         machine::sha256_hex(reference).substr(0, 12);
}

std::string normalized_reference(std::string_view reference) {
  constexpr std::string_view index = "index.";
  return std::string(reference.starts_with("index.docker.io/") ? reference.substr(index.size())
                                                               : reference);
}

Result<std::vector<std::string>> layers_of(std::string_view manifest_json,
                                           const std::string& reference) {
  TRY_ASSIGN(const Json manifest, parse_json(manifest_json), "manifest.json");
  const std::string wanted = normalized_reference(reference);
  for (const auto& image : manifest) {
    for (const auto& tag : image.value("RepoTags", Json::array())) {
      if (tag.is_string() && normalized_reference(tag.get<std::string>()) == wanted) {
        return image.value("Layers", std::vector<std::string>{});
      }
    }
  }
  return std::vector<std::string>{};
}

std::vector<std::string> references_in(std::string_view manifest_json) {
  std::vector<std::string> out;
  if (const auto manifest = parse_json(manifest_json)) {
    for (const auto& image : *manifest) {
      for (const auto& tag : image.value("RepoTags", Json::array())) {
        out.push_back(tag.get<std::string>());
      }
    }
  }
  return out;
}

std::vector<fs::path> image_archives(const Paths& paths) {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(paths.images(), ignored)) {
    const std::string name = entry.path().filename();
    if (entry.is_regular_file() && name.find(".tar") != std::string::npos &&
        !name.starts_with(".")) {
      out.push_back(entry.path());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> archive_manifest(const fs::path& archive) {
  return capture({{"tar", "-xOf", archive, "--occurrence=1", "manifest.json"}, {}, {}});
}

Status stage_runtime(Node& node) {
  const std::string reference = node.build.runtime_image();
  const fs::path target = node.paths.data / "data" / runtime_directory_name(reference);
  if (fs::is_directory(target / "bin") && fs::is_directory(target / "charts")) {
    logrus::info("Runtime image {} bin and charts directories already exist; skipping extract",
                 reference);
  } else {
    if (auto found = find_and_extract(node, reference, target); !found) {
      return found;
    }
  }
  std::error_code ignored;
  fs::remove_all(node.paths.bin(), ignored);
  fs::create_symlink(target / "bin", node.paths.bin(), ignored);
  node.runtime_bin = target / "bin";
  if (node.server) {
    copy_charts(node, target / "charts");
  }
  return {};
}

}  // namespace harness::standin
