// One unary gRPC call over HTTP/2, as far as containerd's and etcd's interfaces need it.
#pragma once

#include <chrono>
#include <string>

#include "harness/base/result.h"
#include "harness/lab/standin/http_client.h"

namespace harness::standin {

// `path` is /package.Service/Method, `message` and the answer are protobuf messages without their
// frame. The client speaks HTTP/2. Errors are in the words of gRPC's Go library: unreachable, no
// connection or an answer that ends early; remote_failed, a status other than OK.
Result<std::string> grpc_call(HttpClient& client,
                              const std::string& path,
                              const std::string& message,
                              std::chrono::milliseconds patience);

}  // namespace harness::standin
