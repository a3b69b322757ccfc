// Files over a channel of the `sftp` subsystem, protocol version 3, with many requests in flight
// (libssh 0.10 has one at a time). Internal to harness/ssh; used by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/ssh/channel.h"

namespace harness::ssh {

class Sftp {
 public:
  // Takes a channel that was just opened, and says hello.
  static Result<Sftp> start(std::shared_ptr<Channel> channel, Deadline deadline);
  ~Sftp();
  Sftp(const Sftp&) = delete;
  Sftp& operator=(const Sftp&) = delete;
  Sftp(Sftp&&) = default;
  Sftp& operator=(Sftp&&) = delete;

  // Fills its argument with the next bytes of the content; an empty one is the end.
  using Source = std::function<Status(std::string&)>;

  // To `temporary`, which must not exist, then renamed over `path`. On failure the temporary file
  // is removed where the host still answers.
  Status write(const std::string& path,
               const std::string& temporary,
               int mode,
               const Source& source,
               Deadline deadline);
  Result<std::string> read(const std::string& path, std::size_t cap, Deadline deadline);
  Status remove(const std::string& path, Deadline deadline);
  Result<std::string> absolute(const std::string& path, Deadline deadline);

 private:
  struct Reply {
    std::uint8_t type = 0;
    std::uint32_t id = 0;
    std::string body{};
  };

  explicit Sftp(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  Result<Reply> receive(Deadline deadline);
  Status send(std::uint8_t type, std::string_view body, Deadline deadline);
  Result<Reply> ask(std::uint8_t type, const std::string& arguments, Deadline deadline);
  Status expect_ok(Result<Reply> reply, std::string_view doing);
  Result<std::string> open(const std::string& path,
                           std::uint32_t flags,
                           int mode,
                           Deadline deadline);
  Status write_all(const std::string& handle, const Source& source, Deadline deadline);
  Status rename_over(const std::string& from, const std::string& to, Deadline deadline);
  std::string space_left(const std::string& path, Deadline deadline);
  Error refusal(const Reply& reply, std::string_view doing) const;

  std::shared_ptr<Channel> channel_;
  std::string input_;
  std::size_t input_at_ = 0;
  std::uint32_t next_id_ = 1;
  bool posix_rename_ = false;
  bool statvfs_ = false;
};

}  // namespace harness::ssh
