// Is the host the one that was pinned? There is no way to go on without.
#pragma once

#include "harness/base/result.h"
#include "harness/ssh/target.h"

struct ssh_session_struct;

namespace harness::ssh {

// refused, with the fingerprint and what to do, unless the key is pinned in target.known_hosts.
Status verify_host_key(ssh_session_struct* session, const Target& target);

// `text` as one word of a command line that the reader may paste. Never run by us.
std::string pasteable(const std::string& text);

}  // namespace harness::ssh
