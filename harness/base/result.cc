#include "harness/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace harness {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
      return "invalid input";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::timed_out:
      return "timed out";
    case ErrorCode::remote_failed:
      return "remote failed";
    case ErrorCode::not_supported:
      return "not supported";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

Error& Error::prepend(std::string_view doing) {
  message_.insert(0, ": ").insert(0, doing);
  return *this;
}

tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::make_unexpected(Error(code, std::move(message)));
}

tl::unexpected<Error> fail(Error error, std::string_view doing) {
  if (!doing.empty()) {
    error.prepend(doing);
  }
  return tl::make_unexpected(std::move(error));
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "hookshot: broken promise: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace harness
