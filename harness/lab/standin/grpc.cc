#include "harness/lab/standin/grpc.h"

#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>

namespace harness::standin {

namespace {

std::string frame(const std::string& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(size >> shift & 0xff);
  }
  return out + message;
}

const char* code_name(const std::string& number) {
  static const char* const names[] = {"OK",
                                      "Canceled",
                                      "Unknown",
                                      "InvalidArgument",
                                      "DeadlineExceeded",
                                      "NotFound",
                                      "AlreadyExists",
                                      "PermissionDenied",
                                      "ResourceExhausted",
                                      "FailedPrecondition",
                                      "Aborted",
                                      "OutOfRange",
                                      "Unimplemented",
                                      "Internal",
                                      "Unavailable"};
  const unsigned long code = std::strtoul(number.c_str(), nullptr, 10);
  return code < std::size(names) ? names[code] : "Unknown";
}

}  // namespace

Result<std::string> grpc_call(HttpClient& client,
                              const std::string& path,
                              const std::string& message,
                              std::chrono::milliseconds patience) {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.body = frame(message);
  request.headers = {{"Content-Type", "application/grpc"}, {"TE", "trailers"}};
  request.timeout = patience;
  const auto reply = client.send(request);
  if (!reply) {
    return fail(ErrorCode::unreachable,
                fmt::format("rpc error: code = Unavailable desc = connection error: desc = "
                            "\"transport: Error while "
                            "dialing: {}\"",
                            reply.error().message()));
  }
  const auto status = reply->headers.find("grpc-status");
  if (status == reply->headers.end()) {
    return fail(ErrorCode::unreachable,
                "rpc error: code = Unavailable desc = error reading from server: EOF");
  }
  if (status->second != "0") {
    const auto text = reply->headers.find("grpc-message");
    return fail(ErrorCode::remote_failed,
                fmt::format("rpc error: code = {} desc = {}",
                            code_name(status->second),
                            text == reply->headers.end() ? "" : text->second));
  }
  constexpr std::size_t prefix = 5;
  return reply->body.size() < prefix ? std::string() : reply->body.substr(prefix);
}

}  // namespace harness::standin
