#include "harness/lab/standin/token.h"

#include "harness/lab/standin/machine.h"

namespace harness::standin {

Result<Token> parse_token(std::string_view text, std::string_view default_user) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  if (text.empty()) {
    return fail(ErrorCode::invalid_input, "token is required to join a cluster");
  }
  Token token;
  if (text.starts_with("K10")) {
    const auto separator = text.find("::");
    constexpr std::size_t hash_length = 64;
    if (separator == std::string_view::npos || separator != 3 + hash_length) {
      return fail(ErrorCode::invalid_input,
                  "failed to validate token: invalid token CA hash length");
    }
    token.ca_hash = text.substr(3, hash_length);
    text.remove_prefix(separator + 2);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
      return fail(ErrorCode::invalid_input, "failed to validate token: invalid token format");
    }
    token.user = text.substr(0, colon);
    token.password = text.substr(colon + 1);
    return token;
  }
  token.user = default_user;
  token.password = text;
  return token;
}

std::string ca_hash(std::string_view ca_bundle) {
  return machine::sha256_hex(ca_bundle);
}

}  // namespace harness::standin
