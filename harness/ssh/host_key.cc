#include "harness/ssh/host_key.h"

#include <memory>

#include <fmt/format.h>
#include <libssh/libssh.h>

namespace harness::ssh {
namespace {

struct Presented {
  std::string type;         // ssh-ed25519
  std::string fingerprint;  // SHA256:...
};

Result<Presented> presented_key(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) {
    return fail(ErrorCode::unreachable, "the host showed no key");
  }
  const std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)> key(raw, &ssh_key_free);
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) {
    return fail(ErrorCode::internal, "cannot take the fingerprint of the host's key");
  }
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  Presented shown{ssh_key_type_to_char(ssh_key_type(key.get())), text != nullptr ? text : "?"};
  ssh_string_free_char(text);
  ssh_clean_pubkey_hash(&hash);
  if (ssh_key_type(key.get()) == SSH_KEYTYPE_ECDSA_P256) {
    shown.type = "ecdsa-sha2-nistp256";
  }
  return shown;
}

std::string scan_type(const std::string& type) {
  if (type == "ssh-ed25519") {
    return "ed25519";
  }
  return type.starts_with("ecdsa") ? "ecdsa" : "rsa";
}

std::string pin_command(const Target& target, const Presented& key) {
  const std::string through =
      target.jump
          ? fmt::format("ssh -p {} {}@{} ", target.jump->port, target.jump->user, target.jump->host)
          : "";
  return fmt::format("{}ssh-keyscan -t {} -p {} {} >> {}",
                     through,
                     scan_type(key.type),
                     target.port,
                     target.host,
                     pasteable(target.known_hosts.string()));
}

std::string where_to_compare(const Presented& key) {
  return fmt::format(
      "compare it with the output of ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub on the host's own "
      "console",
      scan_type(key.type));
}

Error unknown_key(const Target& target, const Presented& key) {
  return {ErrorCode::refused,
          fmt::format("its host key is not in {}, so it is not trusted. It shows {} {}: {}; only "
                      "if they agree, pin "
                      "it with: {}",
                      target.known_hosts.string(),
                      key.type,
                      key.fingerprint,
                      where_to_compare(key),
                      pin_command(target, key))};
}

Error changed_key(const Target& target, const Presented& key) {
  const std::string entry =
      target.port == 22 ? target.host : fmt::format("[{}]:{}", target.host, target.port);
  return {ErrorCode::refused,
          fmt::format("its host key is not the one pinned in {}. It now shows {} {}. Either "
                      "somebody is in between, or "
                      "the host was installed anew. Nothing was sent to it. If it was installed "
                      "anew, {}; then remove "
                      "the old key with: ssh-keygen -f {} -R '{}' and pin the new one with: {}",
                      target.known_hosts.string(),
                      key.type,
                      key.fingerprint,
                      where_to_compare(key),
                      pasteable(target.known_hosts.string()),
                      entry,
                      pin_command(target, key))};
}

}  // namespace

std::string pasteable(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

Status verify_host_key(ssh_session_struct* session, const Target& target) {
  TRY_ASSIGN(const Presented key, presented_key(session), "host key");
  switch (ssh_session_is_known_server(session)) {
    case SSH_KNOWN_HOSTS_OK:
      return {};
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
      return fail(changed_key(target, key));
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      return fail(unknown_key(target, key));
    case SSH_KNOWN_HOSTS_ERROR:
      break;
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format("cannot read {}: {}", target.known_hosts.string(), ssh_get_error(session)));
}

}  // namespace harness::ssh
