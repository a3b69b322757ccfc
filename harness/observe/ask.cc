#include "harness/observe/ask.h"

#include <fmt/format.h>

namespace harness::observe {

Result<std::string> output_of(cluster::Node& node,
                              std::vector<std::string> argv,
                              Deadline deadline) {
  const exec::Command command = words(std::move(argv));
  TRY_ASSIGN(exec::CommandResult result, node.run(command, deadline), exec::describe(command));
  if (!result.ok()) {
    const std::string& said = result.err.empty() ? result.out : result.err;
    return fail(
        ErrorCode::remote_failed,
        fmt::format("{} {}: {}",
                    exec::describe(command),
                    result.signal != 0 ? fmt::format("was ended by signal {}", result.signal)
                                       : fmt::format("exits with {}", result.exit_status),
                    trimmed(said.substr(0, 400))));
  }
  return std::move(result.out);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    all.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return all;
}

}  // namespace harness::observe
