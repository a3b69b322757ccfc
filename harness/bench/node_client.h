// This side of the program on the node that makes units, victims and stamps; its end takes them
// away.
#pragma once

#include <memory>
#include <string>

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/ssh/session.h"

namespace harness::bench {

class NodeSide {
 public:
  static Result<std::unique_ptr<NodeSide>> start(ssh::Session& session,
                                                 const std::string& sudo,
                                                 const std::string& run);

  explicit NodeSide(std::unique_ptr<ssh::LineChannel> lines) : lines_(std::move(lines)) {}

  Result<Json> ask(const Json& request, Deadline deadline);
  // The two halves of ask(), for what must happen in between.
  Status send(Json request, Deadline deadline);
  // The answer to the last request; those to earlier ones, which nobody waited for, are passed
  // over.
  Result<Json> receive(Deadline deadline);

 private:
  std::unique_ptr<ssh::LineChannel> lines_;
  std::string op_;
  int seq_ = 0;
};

}  // namespace harness::bench
