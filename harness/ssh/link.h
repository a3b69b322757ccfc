// The reactor's side of one channel: the steps of opening it, and the local end of a forwarded
// socket. Internal to harness/ssh; only the reactor's thread calls it.
#pragma once

#include <memory>
#include <string>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "harness/ssh/channel.h"

namespace harness::ssh {

class Link {
 public:
  Link(ssh_session session, std::shared_ptr<Channel> channel);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  enum class Progress {
    going,
    denied,  // the host opens no further channel now
    over,    // to be removed
    lost,    // the connection itself is gone
  };

  // Does what can be done without waiting. `may_send` is false while the connection is congested.
  Progress advance(bool may_send);
  void fail(const Error& error);

  bool needs_slot() const { return channel_->spec().purpose != Purpose::forward; }

  bool begun() const { return step_ != Step::queued; }

  bool sent_something() const { return sent_; }

  const std::string& denial() const { return denial_; }

  Channel& channel() { return *channel_; }

  // The local end of a forwarded socket, and what to poll it for; -1 when there is nothing to poll.
  int local_fd() const { return local_.get(); }

  short local_events() const;
  void on_local(short events);

 private:
  enum class Step { queued, opening, requesting, running };

  Progress open();
  Progress request();
  void opened();
  void listen();
  void stop_listening();
  void accept_local();
  void flush();
  void refill();
  void send_local();
  void receive_local();
  bool finished() const;
  std::size_t take(std::string_view bytes, bool is_err);

  static int on_data(
      ssh_session, ssh_channel, void* data, std::uint32_t size, int is_err, void* self);
  static void on_eof(ssh_session, ssh_channel, void* self);
  static void on_close(ssh_session, ssh_channel, void* self);
  static void on_status(ssh_session, ssh_channel, int status, void* self);
  static void on_signal(ssh_session,
                        ssh_channel,
                        const char* signal,
                        int core,
                        const char* message,
                        const char* language,
                        void* self);

  ssh_session session_;
  std::shared_ptr<Channel> channel_;
  ssh_channel handle_ = nullptr;
  ssh_channel_callbacks_struct callbacks_{};
  Step step_ = Step::queued;
  bool stalled_ = false;  // bytes wait inside libssh
  bool remote_eof_ = false;
  bool remote_closed_ = false;
  bool sent_ = false;
  std::string denial_;
  exec::UniqueFd local_;
  std::string local_folder_;
  bool listening_ = false;  // local_ waits for the caller's connect(2)
  Deadline connect_by_{SteadyTime::max()};
  std::string to_local_;
  std::string from_local_;
  bool local_eof_ = false;
  bool local_eof_sent_ = false;
  bool local_shut_ = false;
};

}  // namespace harness::ssh
