// Secrets have one printable form. Every log line, event and report passes through here.
#pragma once

#include <string>
#include <string_view>

namespace harness {

// Replaces the secret part of:
//   - RKE2 join tokens (K10...::user:password), private key blocks, JSON web tokens;
//   - `Authorization: Basic|Bearer ...` and a long word after `Bearer`; user:password@ in URLs;
//   - the value, however short, of a name that ends in token, password, secret, private-key,
//     client-key-data and the like: name=value, name: value, "name": "value", `--name value`, and
//     "--name","value";
//   - PEM in base64, as kubeconfigs have it (LS0tLS1CRUdJTi...);
//   - lines that are nothing but base64: at least 48 characters, a multiple of four, with capitals,
//     small letters and at least two digits, as the body of a key is when it comes line by line.
//     The shorter last line goes with them only when it is in the same text.
// Digests, container ids, UIDs, boot ids, commits and image tags are hexadecimal, dashed or part of
// a longer line, and stay. So do ${VARIABLES}, true, false, null and names of files.
//
// Never makes a text longer than it was plus a constant per secret; redacting again changes
// nothing.
std::string redact(std::string_view text);

}  // namespace harness
