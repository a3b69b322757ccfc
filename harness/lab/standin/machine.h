// What the machine says about itself, and small helpers around its files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace harness::standin::machine {

std::string hostname();
// Of a URL, without port and path.
std::string host_of(std::string_view url);
// The address of the interface that leads to the server, or of the first one that is up and no
// loopback.
Result<std::string> address(std::string_view server_url);
// Whether this process may lower an oom_score_adj; containerd must know when it may not.
bool has_sys_resource();
// Whether overlayfs can be stacked there; a directory on an overlay cannot carry another one.
bool takes_overlay(const std::filesystem::path& directory);

Result<std::string> read_file(const std::filesystem::path& path);
// Appears by rename, complete or not at all. Parent directories are made.
Status write_file(const std::filesystem::path& path,
                  std::string_view content,
                  unsigned mode = 0600);

std::string random_hex(std::size_t bytes);
std::string sha256_hex(std::string_view data);
std::string md5_hex(std::string_view data);
std::string base64(std::string_view data);
Result<std::string> unbase64(std::string_view text);

// READY=1 to systemd. The socket's name is taken from the environment once, early, and removed
// there.
void take_notify_socket();
void notify(std::string_view state);

}  // namespace harness::standin::machine
