#include "harness/cluster/fake_node.h"

#include <condition_variable>

#include <fmt/format.h>

#include "harness/base/eventually.h"

namespace harness::cluster {

struct FakeStream::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Json> lines;
  std::optional<Error> ended;
  bool closed = false;
};

namespace {

Error not_scripted(const std::string& node, std::string_view kind, std::string_view text) {
  return {ErrorCode::remote_failed,
          fmt::format("{}: no answer is scripted for {}: {}", node, kind, text)};
}

template <typename Rules>
auto match(const Rules& rules, std::string_view text) -> decltype(rules.front().second) {
  for (const auto& [part, answer] : rules) {
    if (text.find(part) != std::string_view::npos) {
      return answer;
    }
  }
  return {};
}

}  // namespace

FakeStream::FakeStream() : shared_(std::make_shared<Shared>()) {}

void FakeStream::feed(Json line) {
  const std::lock_guard lock(shared_->mutex);
  shared_->lines.push_back(std::move(line));
  shared_->changed.notify_all();
}

void FakeStream::end(Error error) {
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = std::move(error);
  shared_->changed.notify_all();
}

bool FakeStream::closed() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->closed;
}

class FakeNode::Reader final : public LineStream {
 public:
  explicit Reader(FakeStream stream) : shared_(std::move(stream.shared_)) {}

  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  ~Reader() override {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
  }

  Result<std::optional<Json>> next(Deadline deadline) override {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_until(
        lock, deadline.at(), [this] { return !shared_->lines.empty() || shared_->ended; });
    if (!shared_->lines.empty()) {
      Json line = std::move(shared_->lines.front());
      shared_->lines.pop_front();
      return std::optional<Json>(std::move(line));
    }
    if (shared_->ended) {
      return fail(*shared_->ended);
    }
    return std::optional<Json>();
  }

 private:
  std::shared_ptr<FakeStream::Shared> shared_;
};

FakeNode::FakeNode(std::string name, bool server, std::string address)
    : name_(std::move(name)), server_(server), address_(std::move(address)) {}

void FakeNode::on_run(std::string text, RunAnswer answer) {
  const std::lock_guard lock(mutex_);
  runs_.emplace_front(
      std::move(text),
      [answer = std::move(answer)](const exec::Command& command, Deadline, const std::stop_token&) {
        return answer(command);
      });
}

void FakeNode::hang_on_run(const std::string& text) {
  const std::lock_guard lock(mutex_);
  runs_.emplace_front(text,
                      [](const exec::Command& command,
                         Deadline deadline,
                         const std::stop_token& stop) -> Result<exec::CommandResult> {
                        const std::string words = exec::describe(command);
                        return paced(deadline.left(), stop)
                                   ? fail(ErrorCode::refused, words + ": interrupted")
                                   : fail(ErrorCode::timed_out, words + ": it did not end in time");
                      });
}

void FakeNode::on_run(std::string text, exec::CommandResult result) {
  on_run(std::move(text), [result = std::move(result)](const exec::Command&) { return result; });
}

void FakeNode::on_guard(std::string verb, GuardAnswer answer) {
  const std::lock_guard lock(mutex_);
  guards_.emplace_front(std::move(verb), std::move(answer));
}

void FakeNode::on_guard(std::string verb, std::vector<Json> lines) {
  on_guard(std::move(verb), [lines = std::move(lines)](const Json&) { return lines; });
}

void FakeNode::on_http(std::string text, HttpAnswer answer) {
  const std::lock_guard lock(mutex_);
  https_.emplace_front(std::move(text), std::move(answer));
}

void FakeNode::on_http(std::string text, int status, std::string body) {
  on_http(std::move(text), [status, body = std::move(body)](const HttpRequest&) {
    return HttpResponse{.status = status, .body = body, .latency = Microseconds(1000)};
  });
}

void FakeNode::on_file(std::string path, std::string content) {
  const std::lock_guard lock(mutex_);
  files_.insert_or_assign(std::move(path), std::move(content));
}

FakeStream FakeNode::on_stream(std::string verb) {
  const std::lock_guard lock(mutex_);
  FakeStream stream;
  streams_.emplace(std::move(verb), stream);
  return stream;
}

void FakeNode::lose_connection(std::string reason) {
  std::vector<std::shared_ptr<FakeStream::Shared>> readers;
  {
    const std::lock_guard lock(mutex_);
    lost_ = reason;
    readers = std::exchange(readers_, {});
  }
  for (const auto& reader : readers) {
    const std::lock_guard lock(reader->mutex);
    reader->ended = Error(ErrorCode::unreachable, fmt::format("{}: {}", name_, reason));
    reader->changed.notify_all();
  }
}

void FakeNode::set_boot_id(std::string boot_id) {
  const std::lock_guard lock(mutex_);
  boot_id_ = std::move(boot_id);
  reconnect_error_.reset();
}

void FakeNode::set_reconnect_error(Error error) {
  const std::lock_guard lock(mutex_);
  reconnect_error_ = std::move(error);
}

void FakeNode::set_landing(std::string folder) {
  const std::lock_guard lock(mutex_);
  landing_ = std::move(folder);
}

void FakeNode::set_data_dir(std::string data_dir) {
  data_dir_ = std::move(data_dir);
}

std::vector<FakeNode::Seen> FakeNode::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

void FakeNode::on_upload(std::function<void()> happens) {
  const std::lock_guard lock(mutex_);
  on_upload_ = std::move(happens);
}

std::map<std::string, std::string> FakeNode::uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_;
}

Status FakeNode::note(std::string kind, std::string text, Json record) {
  traffic_.push_back({std::move(kind), std::move(text), std::move(record)});
  if (lost_) {
    return fail(ErrorCode::unreachable, fmt::format("{}: {}", name_, *lost_));
  }
  return {};
}

Result<exec::CommandResult> FakeNode::run(const exec::Command& command,
                                          Deadline deadline,
                                          std::stop_token stop) {
  const std::string words = exec::describe(command);
  WaitingAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    TRY(note("run", words, Json(command.argv)), "");
    answer = match(runs_, words);
  }
  return answer ? answer(command, deadline, std::move(stop))
                : fail(not_scripted(name_, "run", words));
}

Result<std::vector<Json>> FakeNode::guard(std::string_view verb, const Json& record, Deadline) {
  GuardAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    TRY(note("guard", std::string(verb), record), "");
    for (const auto& [known, scripted] : guards_) {
      if (known == verb) {
        answer = scripted;
        break;
      }
    }
  }
  return answer ? answer(record) : fail(not_scripted(name_, "guard", verb));
}

Result<std::unique_ptr<LineStream>> FakeNode::guard_stream(std::string_view verb,
                                                           const Json& record,
                                                           Deadline) {
  const std::lock_guard lock(mutex_);
  TRY(note("stream", std::string(verb), record), "");
  const auto found = streams_.find(std::string(verb));
  if (found == streams_.end()) {
    return fail(not_scripted(name_, "stream", verb));
  }
  FakeStream stream = found->second;
  streams_.erase(found);
  readers_.push_back(stream.shared_);
  return std::make_unique<Reader>(std::move(stream));
}

Result<std::string> FakeNode::read_file(const std::string& path, Deadline) {
  const std::lock_guard lock(mutex_);
  TRY(note("read", path, nullptr), "");
  const auto found = files_.find(path);
  if (found == files_.end()) {
    return fail(ErrorCode::remote_failed, fmt::format("{}: {}: no such file", name_, path));
  }
  return found->second;
}

Status FakeNode::upload(const std::filesystem::path& local,
                        const std::string& remote,
                        int,
                        Deadline,
                        std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  TRY(note("upload", remote, local.string()), "");
  if (on_upload_) {
    on_upload_();
  }
  if (stop.stop_requested()) {
    return fail(ErrorCode::refused, "interrupted");
  }
  uploads_.insert_or_assign(remote, local.string());
  return {};
}

Result<std::string> FakeNode::landing(Deadline) {
  const std::lock_guard lock(mutex_);
  if (lost_) {
    return fail(ErrorCode::unreachable, fmt::format("{}: {}", name_, *lost_));
  }
  return landing_;
}

Result<HttpResponse> FakeNode::http(const HttpRequest& request, Deadline) {
  const std::string text =
      fmt::format("{} {}:{}{}", request.method, request.host, request.port, request.path);
  HttpAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    TRY(note("http", text, nullptr), "");
    answer = match(https_, text);
  }
  return answer ? answer(request) : fail(not_scripted(name_, "http", text));
}

bool FakeNode::connected() const {
  const std::lock_guard lock(mutex_);
  return !lost_;
}

void FakeNode::set_reconnect_takes(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  reconnect_takes_ = time;
}

Result<Reconnected> FakeNode::reconnect(Deadline deadline) {
  const std::lock_guard lock(mutex_);
  traffic_.push_back({"reconnect", "", nullptr});
  if (deadline.left() < reconnect_takes_) {
    return fail(ErrorCode::timed_out, "log in: no answer in time");
  }
  if (reconnect_error_) {
    return fail(*reconnect_error_);
  }
  lost_.reset();
  const bool rebooted = boot_id_ != last_boot_id_;
  last_boot_id_ = boot_id_;
  return Reconnected{.boot_id = boot_id_, .rebooted = rebooted};
}

}  // namespace harness::cluster
