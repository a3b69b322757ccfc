#include "harness/cli/command.h"

#include <fmt/format.h>

#include "harness/base/redact.h"

namespace harness::cli {
namespace {

std::optional<Error>& noted() {
  static std::optional<Error> error;
  return error;
}

}  // namespace

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
  noted() = error;
  return complain(error);
}

int complain(const Error& error) {
  fmt::print(stderr, "hookshot: {}\n", redact(error.message()));
  return exit_status_of(error.code());
}

const std::optional<Error>& failure() {
  return noted();
}

}  // namespace harness::cli
