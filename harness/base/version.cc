#include "harness/base/version.h"

#include <charconv>
#include <climits>
#include <tuple>

#include <fmt/format.h>

namespace harness {
namespace {

bool eat(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

bool eat_number(std::string_view& text, int& out) {
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (problem != std::errc() || out < 0) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

Result<Version> Version::parse(std::string_view tag) {
  std::string_view rest = tag;
  Version v;
  bool good = eat(rest, "v") && eat_number(rest, v.major) && eat(rest, ".") &&
              eat_number(rest, v.minor) && eat(rest, ".") && eat_number(rest, v.patch);
  if (good && eat(rest, "-rc")) {
    good = eat_number(rest, v.rc) && v.rc > 0;
  }
  good =
      good && eat(rest, "+rke2r") && eat_number(rest, v.revision) && v.revision > 0 && rest.empty();
  if (!good) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("'{}' is not an RKE2 version; write a release tag such as v1.30.13-rc2+rke2r1",
                    tag));
  }
  return v;
}

std::string Version::tag() const {
  return rc > 0 ? fmt::format("v{}.{}.{}-rc{}+rke2r{}", major, minor, patch, rc, revision)
                : kubelet_version();
}

std::string Version::kubelet_version() const {
  return fmt::format("v{}.{}.{}+rke2r{}", major, minor, patch, revision);
}

std::string Version::image_tag() const {
  std::string text = tag();
  text[text.find('+')] = '-';
  return text;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  const auto key = [](const Version& v) {
    return std::tuple(v.major, v.minor, v.patch, v.rc == 0 ? INT_MAX : v.rc, v.revision);
  };
  return key(*this) <=> key(other);
}

std::string hop_text(const std::string& from, const std::string& to, bool by_reboot) {
  return from + " to " + to + (by_reboot ? " by reboot" : "");
}

}  // namespace harness
