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

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "hookshot: broken promise: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace harness
