#include "harness/guard/certificate_time.h"

#include <optional>

#include <time.h>

namespace harness::guard {
namespace {

constexpr char kSequence = 0x30;
constexpr char kBitString = 0x03;
constexpr char kUtcTime = 0x17;
constexpr char kGeneralizedTime = 0x18;
constexpr unsigned kLongForm = 0x80;

// One element: where it begins, where its content does, and where it ends.
struct Element {
  char tag = 0;
  std::size_t begin = 0;
  std::size_t content = 0;
  std::size_t end = 0;
};

std::optional<Element> element_at(const std::string& der, std::size_t at, std::size_t limit) {
  if (at + 2 > limit) {
    return std::nullopt;
  }
  Element out{.tag = der[at], .begin = at, .content = at + 2, .end = 0};
  std::size_t length = static_cast<unsigned char>(der[at + 1]);
  if (length >= kLongForm) {
    const std::size_t bytes = length - kLongForm;
    if (bytes == 0 || bytes > 3 || at + 2 + bytes > limit) {
      return std::nullopt;
    }
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      length = (length << 8U) | static_cast<unsigned char>(der[at + 2 + i]);
    }
    out.content += bytes;
  }
  out.end = out.content + length;
  return out.end <= limit ? std::optional(out) : std::nullopt;
}

std::string element(char tag, const std::string& content) {
  std::string out(1, tag);
  const std::size_t size = content.size();
  if (size < kLongForm) {
    out += static_cast<char>(size);
  } else {
    const int bytes = size < 0x100 ? 1 : size < 0x10000 ? 2 : 3;
    out += static_cast<char>(kLongForm | static_cast<unsigned>(bytes));
    for (int i = bytes - 1; i >= 0; --i) {
      out += static_cast<char>((size >> (8U * static_cast<unsigned>(i))) & 0xffU);
    }
  }
  return out + content;
}

bool known(const std::string& algorithm) {
  static const std::string ecdsa("\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 10);
  static const std::string rsa("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 11);
  return algorithm.find(ecdsa) != std::string::npos || algorithm.find(rsa) != std::string::npos;
}

std::string text_of_time(std::int64_t seconds, char tag) {
  const auto at = static_cast<time_t>(seconds);
  tm parts{};
  gmtime_r(&at, &parts);
  char text[32];
  const std::size_t size =
      strftime(text, sizeof text, tag == kUtcTime ? "%y%m%d%H%M%SZ" : "%Y%m%d%H%M%SZ", &parts);
  return {text, size};
}

Error not_a_certificate() {
  return Error(ErrorCode::invalid_input, "these bytes are no X.509 certificate");
}

}  // namespace

Result<ToSign> with_not_after(const std::string& der, std::int64_t seconds_since_epoch) {
  const auto whole = element_at(der, 0, der.size());
  const auto body =
      whole && whole->tag == kSequence ? element_at(der, whole->content, whole->end) : std::nullopt;
  const auto algorithm = body ? element_at(der, body->end, whole->end) : std::nullopt;
  if (!algorithm || body->tag != kSequence || algorithm->tag != kSequence) {
    return fail(not_a_certificate());
  }
  ToSign out{.body = {},
             .algorithm = der.substr(algorithm->begin, algorithm->end - algorithm->begin)};
  if (!known(out.algorithm)) {
    return fail(ErrorCode::not_supported,
                "the certificate is signed by something else than SHA-256 with ECDSA or RSA");
  }
  // [version], serial, algorithm, issuer, validity
  auto part = element_at(der, body->content, body->end);
  const bool versioned = part && (static_cast<unsigned char>(part->tag) & 0xa0U) == 0xa0U;
  for (int i = 0; part && i < (versioned ? 4 : 3); ++i) {
    part = element_at(der, part->end, body->end);
  }
  const auto begins = part ? element_at(der, part->content, part->end) : std::nullopt;
  const auto ends = begins ? element_at(der, begins->end, part->end) : std::nullopt;
  if (!ends || (ends->tag != kUtcTime && ends->tag != kGeneralizedTime)) {
    return fail(not_a_certificate());
  }
  const std::string time = text_of_time(seconds_since_epoch, ends->tag);
  if (time.size() != ends->end - ends->content) {
    return fail(not_a_certificate());
  }
  std::string changed = der;
  changed.replace(ends->content, time.size(), time);
  out.body = changed.substr(body->begin, body->end - body->begin);
  return out;
}

std::string assembled(const ToSign& parts, const std::string& signature) {
  return element(
      kSequence,
      parts.body + parts.algorithm + element(kBitString, std::string(1, '\0') + signature));
}

}  // namespace harness::guard
