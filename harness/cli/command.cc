#include "harness/cli/command.h"

#include <fmt/format.h>

#include "harness/base/redact.h"

namespace harness::cli {

int exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
    case ErrorCode::refused:
      return kUsage;
    case ErrorCode::unreachable:
    case ErrorCode::timed_out:
    case ErrorCode::remote_failed:
    case ErrorCode::not_supported:
    case ErrorCode::internal:
      return kHarness;
  }
  return kHarness;
}

int fail_with(const Error& error) {
  fmt::print(stderr, "hookshot: {}\n", redact(error.message()));
  return exit_status_of(error.code());
}

}  // namespace harness::cli
