// The runtime image: the node's own containerd, runc and kubelet, extracted from an image archive
// in agent/images.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// <tag>-<12 hex of the reference's hash>, the name below data/.
std::string runtime_directory_name(const std::string& reference);
// index.docker.io/x:y as archives and containerd have it: docker.io/x:y.
std::string normalized_reference(std::string_view reference);

// Layers of the image with that reference, from the manifest.json of a docker archive; empty when
// it is not there.
Result<std::vector<std::string>> layers_of(std::string_view manifest_json,
                                           const std::string& reference);
// All references in such a manifest.
std::vector<std::string> references_in(std::string_view manifest_json);

// agent/images/*, without lists of references and our own notes.
std::vector<std::filesystem::path> image_archives(const Paths& paths);
Result<std::string> archive_manifest(const std::filesystem::path& archive);

// Extracts bin and charts unless they are there, switches the symlink, sets node.runtime_bin; on
// servers copies the charts to server/manifests.
Status stage_runtime(Node& node);

}  // namespace harness::standin
