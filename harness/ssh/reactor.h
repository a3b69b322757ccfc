// The one thread that touches libssh after the handshake. Internal to harness/ssh.
//
// It waits on the connection, on an eventfd by which callers announce work, and on the local ends
// of forwarded sockets. Channels are given to it, and filled, emptied and ended by it.
#pragma once

#include <memory>
#include <string>

#include "harness/ssh/channel.h"
#include "harness/ssh/handshake.h"
#include "harness/ssh/session.h"

namespace harness::ssh {

class Reactor {
 public:
  Reactor(RawSession session, std::string name, const Options& options);
  // Closes the connection; what is open fails with unreachable.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Never blocks. On a lost connection the channel has failed already.
  std::shared_ptr<Channel> open(ChannelSpec spec);
  bool alive() const;
  std::string loss() const;
  std::chrono::milliseconds silent_for() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace harness::ssh
