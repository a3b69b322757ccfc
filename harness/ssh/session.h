// One SSH connection to one host, many channels at once, used from several threads.
//
// One reactor thread per session owns libssh; callers hand over work and wait with a Deadline.
// Nothing is ever retried: what was cut off comes back as `unreachable` with the words of what was
// being done. A session that is down stays down; connect a new one. Command lines are constants of
// ours, never built from data: data travels on standard input.
//
// Who includes this: harness/cluster, and tests. Everybody else speaks to cluster::Node.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/command.h"
#include "harness/exec/unique_fd.h"
#include "harness/ssh/target.h"

namespace harness::ssh {

struct Options {
  std::chrono::milliseconds keepalive{500};    // how often a quiet peer is asked
  std::chrono::milliseconds dead_after{5500};  // a peer silent for so long, although asked, is gone
  std::chrono::milliseconds connect_timeout{15000};  // at most, also when the deadline is later
  std::size_t output_cap = 64u << 20;                // bytes kept of each of out and err of run()
};

class Reactor;

// A command that goes on: lines from its standard output. Destroying it closes its standard input
// and the channel. Reading is for one thread at a time; closing is for any.
class LineChannel {
 public:
  virtual ~LineChannel() = default;
  // The next line without its newline; no value when the deadline passed first (the command goes
  // on). When the command has ended: remote_failed with its exit status and what it said on
  // standard error; unreachable when the connection is gone.
  virtual Result<std::optional<std::string>> next_line(Deadline deadline) = 0;
  virtual Status write(std::string_view bytes, Deadline deadline) = 0;
  // Ends the command's standard input.
  virtual void finish_input() = 0;
};

class Session {
 public:
  // Errors. unreachable: no TCP answer, or not SSH. timed_out. refused: the host key is not known
  // (with its fingerprint and the command that pins it) or is another one than pinned; the server
  // took none of our keys. invalid_input: a field of the target, the key file.
  static Result<std::unique_ptr<Session>> connect(const Target& target,
                                                  Deadline deadline,
                                                  const Options& options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Target& target() const;
  bool connected() const;
  // Why the connection is down; empty while it is up.
  std::string loss() const;
  // Since when nothing has come from the host. While it is well, that is hardly ever longer than
  // three keepalives, since it answers them.
  std::chrono::milliseconds silent_for() const;

  // Runs a command line to its end; any exit status or signal is a result. `input` is the command's
  // whole standard input. unreachable: the connection was lost in the middle; timed_out: the
  // channel was closed then, the command may have gone on; refused: so it was by a stop.
  Result<exec::CommandResult> run(const std::string& command_line,
                                  std::string_view input,
                                  Deadline deadline,
                                  const std::stop_token& stop = {});
  Result<std::unique_ptr<LineChannel>> start(const std::string& command_line,
                                             std::string_view input,
                                             Deadline deadline);
  // A connected stream socket to a port as seen from the host. remote_failed: the host says that
  // there is no such connection (refused, forwarding not allowed).
  Result<exec::UniqueFd> forward(const std::string& host, int port, Deadline deadline);

  // The same for a library that insists on calling connect(2) itself: an unconnected socket, and
  // the address to call it with, once and soon. The address is this process's own; no other can use
  // it.
  struct PendingSocket {
    exec::UniqueFd fd;
    std::string address;
  };

  Result<PendingSocket> forward_pending(const std::string& host, int port, Deadline deadline);

  // By SFTP, to a temporary name beside `remote`, then renamed over it. A relative path is relative
  // to the login user's home. remote_failed: what the host said, with the space left where that is
  // why. refused: a stop ended it; nothing stays under either name.
  Status upload(const std::filesystem::path& local,
                const std::string& remote,
                int mode,
                Deadline deadline,
                const std::stop_token& stop = {});
  Status upload_bytes(std::string_view bytes,
                      const std::string& remote,
                      int mode,
                      Deadline deadline);
  // Refuses files over `cap` bytes.
  Result<std::string> read(const std::string& remote, std::size_t cap, Deadline deadline);
  Status remove(const std::string& remote, Deadline deadline);
  // The absolute form of a path on the host; "." is the home of the login user.
  Result<std::string> absolute(const std::string& remote, Deadline deadline);

 private:
  struct Parts;
  explicit Session(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace harness::ssh
