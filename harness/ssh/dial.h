// The TCP part of a connection.
#pragma once

#include <chrono>
#include <string>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/unique_fd.h"

namespace harness::ssh {

// A connected, non-blocking socket with TCP_NODELAY, that gives up on a peer silent for
// `dead_after`. Tries each address of the host until one answers. unreachable: what the last one
// said; timed_out: none answered.
Result<exec::UniqueFd> dial(const std::string& host,
                            int port,
                            std::chrono::milliseconds dead_after,
                            Deadline deadline);

}  // namespace harness::ssh
