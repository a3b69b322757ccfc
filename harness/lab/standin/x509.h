// Keys and certificates as PEM text, by OpenSSL's library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace harness::standin::x509 {

struct Pair {
  std::string certificate;  // PEM, leaf first, then its issuer
  std::string key;          // PEM; empty where only a certificate was asked for
};

struct Subject {
  std::string common_name;
  std::vector<std::string> organizations;
};

struct Profile {
  Subject subject;
  std::vector<std::string> alternatives;  // addresses and names; with any, it serves
  bool client = true;
  bool server = false;
  int days = 365;
};

Result<std::string> make_key();
// Keys of service accounts; RSA as the product has it.
Result<std::string> make_rsa_key();
Result<Pair> make_ca(const std::string& common_name);
Result<Pair> issue(const Pair& ca, const Profile& profile);

// A request for a certificate over `key`, and the certificate over such a request. The request's
// own subject does not count: who asks is known from elsewhere.
Result<std::string> make_request(const std::string& key_pem);
Result<std::string> sign_request(const Pair& ca,
                                 const Profile& profile,
                                 std::string_view request_pem);

// Whether the first certificate in `pem` was issued by `ca`, has more than `days` left and names
// all of `alternatives`.
bool still_good(std::string_view pem,
                const Pair& ca,
                int days,
                const std::vector<std::string>& alternatives);

}  // namespace harness::standin::x509
