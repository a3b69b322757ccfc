// A Node for tests: scripted answers for run, guard, http and files, a record of the traffic, and a
// connection that can be lost and found again. Rules match by a part of the text; the last rule
// that matches wins. What no rule matches is answered by remote_failed and the text, so that a test
// says what it expects.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/cluster/node.h"

namespace harness::cluster {

// Lines that a test feeds, from any thread.
class FakeStream {
 public:
  void feed(Json line);
  // The reader gets what was fed, then this error.
  void end(Error error);
  // True when the reader has been destroyed.
  bool closed() const;

 private:
  friend class FakeNode;
  struct Shared;
  FakeStream();
  std::shared_ptr<Shared> shared_;
};

class FakeNode final : public Node {
 public:
  struct Seen {
    std::string kind;  // run, guard, stream, read, upload, http, reconnect
    std::string text;  // the command, verb, path or "GET 127.0.0.1:6443/readyz"
    Json record;       // what a guard verb was given; the argv of a command
  };

  using RunAnswer = std::function<Result<exec::CommandResult>(const exec::Command&)>;
  using GuardAnswer = std::function<Result<std::vector<Json>>(const Json&)>;
  using HttpAnswer = std::function<Result<HttpResponse>(const HttpRequest&)>;

  explicit FakeNode(std::string name = "cp-1",
                    bool server = true,
                    std::string address = "192.0.2.11");

  void on_run(std::string text, RunAnswer answer);
  void on_run(std::string text, exec::CommandResult result);
  // The command does not end: refused at a stop, timed_out at the deadline.
  void hang_on_run(const std::string& text);
  void on_guard(std::string verb, GuardAnswer answer);
  void on_guard(std::string verb, std::vector<Json> lines);
  void on_http(std::string text, HttpAnswer answer);
  void on_http(std::string text, int status, std::string body);
  void on_file(std::string path, std::string content);
  // The stream that the next guard_stream of this verb reads.
  FakeStream on_stream(std::string verb);

  // Happens while a file is being uploaded.
  void on_upload(std::function<void()> happens);

  // Every call answers unreachable until reconnect succeeds.
  void lose_connection(std::string reason = "connection reset");
  // What reconnect will find: a boot id, or an error (until the next set_...).
  void set_boot_id(std::string boot_id);
  void set_reconnect_error(Error error);
  // An attempt that is given less comes to nothing; none is waited for.
  void set_reconnect_takes(std::chrono::milliseconds time);

  std::vector<Seen> traffic() const;
  std::map<std::string, std::string> uploads() const;  // remote path -> local path
  void set_data_dir(std::string data_dir);
  void set_landing(std::string folder);

  const std::string& name() const override { return name_; }

  const std::string& address() const override { return address_; }

  bool is_server() const override { return server_; }

  const std::string& data_dir() const override { return data_dir_; }

  std::string unit() const override {
    return server_ ? "rke2-server.service" : "rke2-agent.service";
  }

  using Node::run;
  Result<exec::CommandResult> run(const exec::Command& command,
                                  Deadline deadline,
                                  std::stop_token stop) override;
  Result<std::vector<Json>> guard(std::string_view verb,
                                  const Json& record,
                                  Deadline deadline) override;
  Result<std::unique_ptr<LineStream>> guard_stream(std::string_view verb,
                                                   const Json& record,
                                                   Deadline deadline) override;
  Result<std::string> read_file(const std::string& path, Deadline deadline) override;
  using Node::upload;
  Status upload(const std::filesystem::path& local,
                const std::string& remote,
                int mode,
                Deadline deadline,
                std::stop_token stop) override;
  Result<std::string> landing(Deadline deadline) override;
  Result<HttpResponse> http(const HttpRequest& request, Deadline deadline) override;
  bool connected() const override;
  Result<Reconnected> reconnect(Deadline deadline) override;

 private:
  class Reader;
  Status note(std::string kind, std::string text, Json record);

  const std::string name_;
  const bool server_;
  const std::string address_;
  std::string data_dir_ = "/var/lib/rancher/rke2";
  std::string landing_ = "/root";
  mutable std::mutex mutex_;
  using WaitingAnswer =
      std::function<Result<exec::CommandResult>(const exec::Command&, Deadline, std::stop_token)>;
  std::deque<std::pair<std::string, WaitingAnswer>> runs_;
  std::deque<std::pair<std::string, GuardAnswer>> guards_;
  std::deque<std::pair<std::string, HttpAnswer>> https_;
  std::map<std::string, std::string> files_;
  std::multimap<std::string, FakeStream> streams_;
  std::vector<std::shared_ptr<FakeStream::Shared>> readers_;
  std::vector<Seen> traffic_;
  std::map<std::string, std::string> uploads_;
  std::function<void()> on_upload_;
  std::string boot_id_ = "00000000-0000-4000-8000-000000000001";
  std::string last_boot_id_ = boot_id_;
  std::optional<Error> reconnect_error_;
  std::chrono::milliseconds reconnect_takes_{0};
  std::optional<std::string> lost_;
};

}  // namespace harness::cluster
