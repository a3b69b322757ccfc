#include "harness/ssh/key_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace harness::ssh {
namespace {

// The first bytes of an OpenSSH key's base64 body: "openssh-key-v1\0", then the cipher's name,
// which is "none" (length 4) in a key without a passphrase.
constexpr std::string_view kOpenSshPlain = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";

}  // namespace

Result<KeyFile> inspect_key_file(const std::filesystem::path& path) {
  struct stat status {};

  if (::stat(path.c_str(), &status) != 0) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key file {}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key file {} is not a file", path.string()));
  }
  if ((status.st_mode & 077) != 0 && status.st_uid == ::geteuid()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the key file {} can be read by others (mode {:04o}): chmod 600 it",
                            path.string(),
                            status.st_mode & 07777));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t begin = text.find("-----BEGIN ");
  const std::size_t line_end = begin == std::string::npos ? begin : text.find('\n', begin);
  if (line_end == std::string::npos ||
      text.substr(begin, line_end - begin).find("PRIVATE KEY") == std::string::npos) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("the key file {} {}",
                    path.string(),
                    !file.good() && text.empty() ? "cannot be read, or is empty"
                                                 : "is not a private key (is it the .pub file?)"));
  }
  const std::string_view first_line = std::string_view(text).substr(begin, line_end - begin);
  if (first_line.find("OPENSSH") != std::string_view::npos) {
    const bool plain = std::string_view(text).substr(line_end + 1).starts_with(kOpenSshPlain);
    return plain ? KeyFile::plain : KeyFile::encrypted;
  }
  return text.find("ENCRYPTED") != std::string::npos ? KeyFile::encrypted : KeyFile::plain;
}

}  // namespace harness::ssh
