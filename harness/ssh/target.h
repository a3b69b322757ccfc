// Where to connect to, and what to trust. A value, made from the inventory.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "harness/base/result.h"

namespace harness::ssh {

struct Target {
  std::string name{};  // as the operator calls it; only for messages
  std::string host{};
  int port = 22;
  std::string user{};
  // The private key. Empty: the agent's keys are tried. An encrypted key is used through the agent
  // that holds it; there are no passwords and no passphrases here.
  std::filesystem::path key_file{};
  // The agent's socket; empty: SSH_AUTH_SOCK.
  std::filesystem::path agent_socket{};
  // The only file whose keys are trusted.
  std::filesystem::path known_hosts{};
  // Reached through this host first, whose key is verified in the same way.
  std::shared_ptr<const Target> jump{};
};

// Refuses what could be taken for an option or reach another host: empty, leading dash, blanks,
// control bytes and '@' in host and user, ports outside 1..65535, a jump host that jumps itself
// more than four times. invalid_input, naming the field.
Status validate(const Target& target);

// "cp-1 (rancher@192.0.2.11 port 22)" with " through bastion" where it is so.
std::string describe(const Target& target);

}  // namespace harness::ssh
