#include "harness/base/redact.h"

#include <regex>

namespace harness {
namespace {

const std::regex kKeyBlock(
    R"(-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?)",
    std::regex::optimize);
const std::regex kJoinToken(R"(K10[0-9a-f]{16,}::[A-Za-z0-9_-]+:[^\s"',\\]+)",
                            std::regex::optimize);
const std::regex kHeader(R"((authorization\s*[:=]\s*"?(basic|bearer)\s+)[A-Za-z0-9+/=._~-]+)",
                         std::regex::icase | std::regex::optimize);
const std::regex kUrl(R"((\b[a-z][a-z0-9+.-]*://[^/\s:@]+:)[^/\s@]+@)",
                      std::regex::icase | std::regex::optimize);
const std::regex kPair(
    R"re((\b[A-Za-z_-]*(token|password|passwd|secret|private[_-]?key)\b\\?"?\s*[:=]\s*\\?"?)([^\s"',;\\$]{4,}))re",
    std::regex::icase | std::regex::optimize);

}  // namespace

std::string redact(std::string_view text) {
  std::string out(text);
  if (out.find("PRIVATE KEY") != std::string::npos) {
    out = std::regex_replace(out, kKeyBlock, "[redacted key]");
  }
  if (out.find("K10") != std::string::npos) {
    out = std::regex_replace(out, kJoinToken, "[redacted token]");
  }
  if (out.find("://") != std::string::npos) {
    out = std::regex_replace(out, kUrl, "$1[redacted]@");
  }
  if (out.find_first_of(":=") != std::string::npos) {
    out = std::regex_replace(out, kHeader, "$1[redacted]");
    out = std::regex_replace(out, kPair, "$1[redacted]");
  }
  return out;
}

}  // namespace harness
