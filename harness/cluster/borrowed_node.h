// A Node that belongs to somebody else, for a Cluster of a test's own fakes.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "harness/cluster/node.h"

namespace harness::cluster {

class BorrowedNode : public Node {
 public:
  explicit BorrowedNode(Node& node) : node_(node) {}

  const std::string& name() const override { return node_.name(); }

  const std::string& address() const override { return node_.address(); }

  bool is_server() const override { return node_.is_server(); }

  const std::string& data_dir() const override { return node_.data_dir(); }

  std::string unit() const override { return node_.unit(); }

  Result<exec::CommandResult> run(const exec::Command& command,
                                  Deadline deadline,
                                  std::stop_token stop) override {
    return node_.run(command, deadline, std::move(stop));
  }

  Result<std::vector<Json>> guard(std::string_view verb,
                                  const Json& record,
                                  Deadline deadline) override {
    return node_.guard(verb, record, deadline);
  }

  Result<std::unique_ptr<LineStream>> guard_stream(std::string_view verb,
                                                   const Json& record,
                                                   Deadline deadline) override {
    return node_.guard_stream(verb, record, deadline);
  }

  Result<std::string> read_file(const std::string& path, Deadline deadline) override {
    return node_.read_file(path, deadline);
  }

  using Node::upload;

  Status upload(const std::filesystem::path& local,
                const std::string& remote,
                int mode,
                Deadline deadline,
                std::stop_token stop) override {
    return node_.upload(local, remote, mode, deadline, std::move(stop));
  }

  Result<std::string> landing(Deadline deadline) override { return node_.landing(deadline); }

  Result<HttpResponse> http(const HttpRequest& request, Deadline deadline) override {
    return node_.http(request, deadline);
  }

  bool connected() const override { return node_.connected(); }

  Result<Reconnected> reconnect(Deadline deadline) override { return node_.reconnect(deadline); }

 private:
  Node& node_;
};

}  // namespace harness::cluster
