// Result<T>: a value, or an Error that says who must act.
//
// Everything that can fail because of the world returns Result<T> (Status where there is no value).
// TRY and TRY_ASSIGN pass an error up and add, in the operator's words, what was being done. The
// finished text reads outermost first: "upgrade cp-1: stop rke2-server: ssh: connection reset".
// Branch on codes, never on text.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace harness {

enum class ErrorCode {
  invalid_input,  // the user's file or argument is wrong; the user acts
  unreachable,    // a node or service could not be reached; the lab's owner acts
  timed_out,      // a deadline passed; the message carries what was last seen
  remote_failed,  // a node answered, and the answer is a failure
  not_supported,  // this machine or node cannot do it; the message says what is missing
  refused,        // a safety rule said no: not expendable, foreign lease, quarantine, budget
  internal,       // our own defect
};

std::string_view to_string(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message);

  ErrorCode code() const { return code_; }

  const std::string& message() const { return message_; }

  Error& prepend(std::string_view doing);

 private:
  ErrorCode code_;
  std::string message_;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

tl::unexpected<Error> fail(ErrorCode code, std::string message);
tl::unexpected<Error> fail(Error error, std::string_view doing = {});

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace harness

#define HOOKSHOT_PASTE(a, b) a##b
#define HOOKSHOT_CONCAT(a, b) HOOKSHOT_PASTE(a, b)

// TRY(expr, "doing"): returns from the function when expr is an error.
#define TRY(expr, doing)                                              \
  do {                                                                \
    if (auto try_result = (expr); !try_result) {                      \
      return ::harness::fail(std::move(try_result).error(), (doing)); \
    }                                                                 \
  } while (false)

// TRY_ASSIGN(auto value, expr, "doing"): as TRY, and keeps the value.
#define TRY_ASSIGN(lhs, expr, doing) \
  TRY_ASSIGN_TO(HOOKSHOT_CONCAT(try_assign_, __COUNTER__), lhs, expr, doing)
// NOLINTBEGIN(bugprone-macro-parentheses): `temporary` and `lhs` may be declared here.
#define TRY_ASSIGN_TO(temporary, lhs, expr, doing)                 \
  auto temporary = (expr);                                         \
  if (!temporary) {                                                \
    return ::harness::fail(std::move(temporary).error(), (doing)); \
  }                                                                \
  lhs = std::move(*temporary)
// NOLINTEND(bugprone-macro-parentheses)

// A broken promise of our own code; on in every build.
#define HARNESS_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : ::harness::assertion_failed(#expr, __FILE__, __LINE__))
