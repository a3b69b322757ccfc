#include "harness/bench/node_client.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "harness/bench/node_side.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kSetUpLimit{60};

}  // namespace

Result<std::unique_ptr<NodeSide>> NodeSide::start(ssh::Session& session,
                                                  const std::string& sudo,
                                                  const std::string& run) {
  const Deadline deadline = Deadline::after(kSetUpLimit);
  const std::string command = fmt::format(
      "{}systemd-run --pipe --quiet --collect --unit={} {} serve", sudo, kVictim, kProgram);
  TRY_ASSIGN(auto lines, session.start(command, "", deadline), "start the node's part");
  auto side = std::make_unique<NodeSide>(std::move(lines));
  TRY(side->ask({{"op", "setup"}, {"run", run}}, deadline), "set the node up");
  return side;
}

Status NodeSide::send(Json request, Deadline deadline) {
  op_ = json_string(request, "op");
  request["seq"] = ++seq_;
  return lines_->write(request.dump() + "\n", deadline);
}

Result<Json> NodeSide::receive(Deadline deadline) {
  std::string seen = "nothing";
  while (true) {
    TRY_ASSIGN(const std::optional<std::string> line, lines_->next_line(deadline), op_);
    if (!line) {
      return fail(
          ErrorCode::timed_out,
          fmt::format("the node's part did not answer `{}` in time; it said {}", op_, seen));
    }
    TRY_ASSIGN(Json answer, parse_json(*line), op_);
    if (json_int(answer, "seq") != seq_) {
      seen = *line;
      continue;
    }
    if (const std::string problem = json_string(answer, "error"); !problem.empty()) {
      return fail(ErrorCode::remote_failed, problem);
    }
    return answer;
  }
}

Result<Json> NodeSide::ask(const Json& request, Deadline deadline) {
  TRY(send(request, deadline), "node");
  return receive(deadline);
}

}  // namespace harness::bench
