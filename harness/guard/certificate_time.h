// The end of a certificate's life changed in its bytes, all else left as it is: extensions, names
// and key. What comes out is to be signed anew by its authority.
#pragma once

#include <cstdint>
#include <string>

#include "harness/base/result.h"

namespace harness::guard {

struct ToSign {
  std::string body;       // TBSCertificate, DER
  std::string algorithm;  // AlgorithmIdentifier, DER
};

// `der`: an X.509 certificate. not_supported when it is signed by anything but SHA-256 with ECDSA
// or RSA; invalid_input when it is no certificate.
Result<ToSign> with_not_after(const std::string& der, std::int64_t seconds_since_epoch);
// The certificate of both and a signature of `body`.
std::string assembled(const ToSign& parts, const std::string& signature);

}  // namespace harness::guard
