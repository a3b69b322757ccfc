// RKE2 release tags: vMAJOR.MINOR.PATCH[-rcN]+rke2rN.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  int rc = 0;  // 0: not a release candidate
  int revision = 0;

  static Result<Version> parse(std::string_view tag);
  std::string tag() const;              // v1.30.13-rc2+rke2r1
  std::string kubelet_version() const;  // v1.30.13+rke2r1: a node never shows the rc
  std::string image_tag() const;        // v1.30.13-rc2-rke2r1: data directory and runtime image

  bool operator==(const Version&) const = default;
  // A release candidate sorts before its release.
  std::strong_ordering operator<=>(const Version& other) const;
};

// A hop by tags, and how its second release is started: "v1 to v2", "v1 to v2 by reboot".
std::string hop_text(const std::string& from, const std::string& to, bool by_reboot);

}  // namespace harness
