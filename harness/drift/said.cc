#include "harness/drift/said.h"

#include <algorithm>
#include <string_view>

namespace harness::drift {

std::optional<Build> build_of(const std::string& message) {
  for (const std::string_view start : {"Starting rke2 agent v", "Starting rke2 v"}) {
    if (message.starts_with(start)) {
      const std::size_t begin = start.size() - 1;
      const std::size_t end = std::min(message.find(' ', begin), message.size());
      const std::size_t open = message.find('(', end);
      const std::size_t close = message.find(')', end);
      return Build{.tag = message.substr(begin, end - begin),
                   .commit = open < close && close != std::string::npos
                                 ? message.substr(open + 1, close - open - 1)
                                 : std::string(),
                   .agent = start.starts_with("Starting rke2 agent")};
    }
  }
  return std::nullopt;
}

bool is_ready(const std::string& message) {
  return message == "rke2 is up and running" || message == "rke2 agent is up and running";
}

std::optional<StartKind> kind_told_by(const std::string& message) {
  if (message == "Managed etcd cluster initializing") {
    return StartKind::begins;
  }
  if (message == "Managed etcd cluster not yet initialized") {
    return StartKind::joins;
  }
  return message == "Managed etcd cluster bootstrap already complete and initialized"
             ? std::optional(StartKind::later)
             : std::nullopt;
}

}  // namespace harness::drift
