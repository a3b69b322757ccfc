// containerd's hosts.toml, which says where a registry's images are pulled from. Only the part of
// TOML is read in which each thing has a line of its own, as RKE2 writes it; what else stands there
// is an error, as a host that was overlooked would be pulled from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::guard {

struct PullHost {
  std::string host;  // a name in small letters, or an address
  std::vector<int> ports;
  std::string scheme;    // http or https
  std::string named_by;  // file and line; empty: the fault's own parameter
  bool operator==(const PullHost&) const = default;
};

std::string_view trimmed(std::string_view text);
// Blank, or a comment.
bool is_end_of_line(std::string_view text);
// "text" or 'text' at the front of `rest`, which goes on behind it; nothing where it is none, or
// has escapes.
std::optional<std::string> take_string(std::string_view& rest);
// A bare key at the front of `rest`, as take_string; empty: there is none.
std::string take_word(std::string_view& rest);

// The hosts of `server = "URL"` and of each `[host."URL"]`. not_supported with file and line where
// a line is not understood, or names no host that can be cut off.
Result<std::vector<PullHost>> hosts_in(const std::string& text, const std::string& file);

}  // namespace harness::guard
