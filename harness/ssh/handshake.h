// The SSH part of a connection: key exchange, the host's key, our key.
#pragma once

#include <memory>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/unique_fd.h"
#include "harness/ssh/target.h"

struct ssh_session_struct;

namespace harness::ssh {

struct CloseSession {
  void operator()(ssh_session_struct* session) const;
};

// Owns its socket too.
using RawSession = std::unique_ptr<ssh_session_struct, CloseSession>;

// On a connected, non-blocking stream socket. The result is authenticated and non-blocking.
Result<RawSession> handshake(exec::UniqueFd socket, const Target& target, Deadline deadline);

}  // namespace harness::ssh
