// Secrets have one printable form. Every log line, event and report passes through here.
#pragma once

#include <string>
#include <string_view>

namespace harness {

// Replaces the secret part of: RKE2 join tokens (K10...::user:password), private key blocks, basic
// auth and bearer headers, user:password@ in URLs, and values of keys named token, password, secret
// or private key in key=value and "key": "value" text. Never makes a text longer than it was plus a
// constant per secret. What does not look like a secret is returned unchanged.
std::string redact(std::string_view text);

}  // namespace harness
