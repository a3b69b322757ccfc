// What a caller and the reactor share of one channel: bytes waiting in both directions, and how it
// ended. Internal to harness/ssh.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/unique_fd.h"

namespace harness::ssh {

// Ends the reactor's sleep.
class Waker {
 public:
  Waker();
  void wake() const;
  void drain() const;

  int fd() const { return fd_.get(); }

 private:
  exec::UniqueFd fd_;
};

enum class Purpose { command, subsystem, forward };
enum class Overflow { drop, stall };  // what happens to output over the cap

struct ChannelSpec {
  Purpose purpose = Purpose::command;
  std::string what{};     // for messages: "run `...`"
  std::string command{};  // command line, or the subsystem's name
  std::string host{};     // forward
  int port = 0;
  bool pending = false;  // forward: the caller will call connect(2) on the socket itself
  std::string input{};
  bool finish_input = false;
  Overflow overflow = Overflow::stall;
  std::size_t cap = 8u << 20;
};

struct ChannelEnd {
  std::optional<int> status;
  std::string signal{};
};

class Channel {
 public:
  Channel(ChannelSpec spec, std::shared_ptr<const Waker> waker);

  const ChannelSpec& spec() const { return spec_; }

  // For the caller. All wait until the deadline at most; after a failure all answer with it.
  Status wait_open(Deadline deadline);
  // Appends what has come to `into`, waiting for at least a byte. False at the end of the output.
  Result<bool> read(std::string& into, Deadline deadline);
  Status write(std::string_view bytes, Deadline deadline);
  void finish_input();
  // A stop ends the wait with refused.
  Result<ChannelEnd> wait_end(Deadline deadline, const std::stop_token& stop = {});
  // The caller will not come back; the reactor closes the channel.
  void abandon();
  std::string take_out();
  std::string take_err();
  bool cut() const;
  exec::UniqueFd take_local();
  std::string local_address() const;  // of a pending socket, as connect(2) takes it

  // For the reactor.
  std::size_t deliver(std::string_view bytes, bool is_err);
  // Beyond the cap, for what has left libssh already.
  void deliver_all(std::string_view bytes);
  bool has_room() const;
  void set_open(exec::UniqueFd local, std::string address);
  void set_status(int status);
  void set_signal(std::string signal);
  void set_ended();
  void set_failed(const Error& error);
  bool abandoned() const;

  struct Outgoing {
    std::string bytes;
    bool finished = false;  // and nothing comes after these bytes
  };

  // At most `most` bytes; unsent() gives back what did not fit.
  Outgoing take_outgoing(std::size_t most);
  void unsent(std::string bytes);

 private:
  bool over() const { return ended_ || failure_; }

  Error late(std::string_view doing) const;

  const ChannelSpec spec_;
  const std::shared_ptr<const Waker> waker_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> outgoing_;
  std::size_t outgoing_size_ = 0;
  bool input_finished_ = false;
  bool finish_sent_ = false;
  std::string out_;
  std::string err_;
  bool cut_ = false;
  bool open_ = false;
  bool ended_ = false;
  bool abandoned_ = false;
  ChannelEnd end_;
  std::optional<Error> failure_;
  exec::UniqueFd local_;
  std::string local_address_;
};

}  // namespace harness::ssh
