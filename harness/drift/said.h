// What an RKE2 process says of itself in its log. For the survey alone.
#pragma once

#include <optional>
#include <string>

namespace harness::drift {

// What a server's start is to the etcd of its cluster.
enum class StartKind { begins, joins, later };

// "Starting rke2 [agent] v1.30.13-rc2+rke2r1 (<commit>)".
struct Build {
  std::string tag;
  std::string commit;
  bool agent = false;
};

std::optional<Build> build_of(const std::string& message);
bool is_ready(const std::string& message);
// The service says it, once.
std::optional<StartKind> kind_told_by(const std::string& message);

}  // namespace harness::drift
