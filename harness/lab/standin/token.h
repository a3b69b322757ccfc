// Join tokens: K10<sha256 of the CA bundle>::<user>:<password>, or a bare password.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness::standin {

struct Token {
  std::string ca_hash;  // empty for a bare password: the CA is then taken on trust
  std::string user;
  std::string password;

  std::string full() const { return "K10" + ca_hash + "::" + user + ":" + password; }
};

// A bare password gets `default_user`.
Result<Token> parse_token(std::string_view text, std::string_view default_user);
std::string ca_hash(std::string_view ca_bundle);

}  // namespace harness::standin
