#include "harness/lab/standin/machine.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

namespace harness::standin::machine {

namespace {

std::string notify_socket;

std::string hex(const unsigned char* data, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += fmt::format("{:02x}", data[i]);
  }
  return out;
}

std::string digest(const EVP_MD* kind, std::string_view data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), out, &size, kind, nullptr);
  return hex(out, size);
}

std::string text_of(const sockaddr* address) {
  char out[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, out, sizeof out);
  return out;
}

std::string source_towards(std::string_view url) {
  const std::string host = host_of(url);
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (host.empty() || getaddrinfo(host.c_str(), "9345", &hints, &found) != 0) {
    return {};
  }
  std::string out;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
    out = text_of(reinterpret_cast<sockaddr*>(&own));
  }
  ::close(fd);
  freeaddrinfo(found);
  return out;
}

}  // namespace

std::string hostname() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::string out(name);
  for (char& c : out) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string host_of(std::string_view url) {
  const auto scheme = url.find("//");
  url.remove_prefix(scheme == std::string_view::npos ? 0 : scheme + 2);
  return std::string(url.substr(0, url.find_first_of(":/")));
}

Result<std::string> address(std::string_view server_url) {
  if (std::string source = source_towards(server_url); !source.empty()) {
    return source;
  }
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) {
    return fail(ErrorCode::internal, "interfaces cannot be read");
  }
  std::string found;
  for (const ifaddrs* one = all; one != nullptr && found.empty(); one = one->ifa_next) {
    const std::string_view name = one->ifa_name;
    const bool usable = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
    if (usable && one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET &&
        !name.starts_with("cni")) {
      found = text_of(one->ifa_addr);
    }
  }
  freeifaddrs(all);
  if (found.empty()) {
    return fail(ErrorCode::not_supported, "no interface is up; give node-ip in config.yaml");
  }
  return found;
}

bool has_sys_resource() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> CAP_SYS_RESOURCE & 1) != 0;
    }
  }
  return false;
}

bool takes_overlay(const std::filesystem::path& directory) {
  struct statfs fs {};

  constexpr long overlay = 0x794c7630;
  return ::statfs(directory.c_str(), &fs) == 0 && fs.f_type != overlay;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::internal,
                fmt::format("open {}: {}", path.string(), std::strerror(errno)));
  }
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Status write_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const std::string fresh = fmt::format("{}.{}", path.string(), random_hex(4));
  {
    std::ofstream file(fresh, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.flush();
    if (!file) {
      ::unlink(fresh.c_str());
      return fail(ErrorCode::internal,
                  fmt::format("write {}: {}", path.string(), std::strerror(errno)));
    }
  }
  ::chmod(fresh.c_str(), mode);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(ErrorCode::internal,
                fmt::format("rename {}: {}", path.string(), std::strerror(errno)));
  }
  return {};
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> data(bytes);
  RAND_bytes(data.data(), static_cast<int>(bytes));
  return hex(data.data(), bytes);
}

std::string sha256_hex(std::string_view data) {
  return digest(EVP_sha256(), data);
}

std::string md5_hex(std::string_view data) {
  return digest(EVP_md5(), data);
}

std::string base64(std::string_view data) {
  std::string out((data.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(data.data()),
                                   static_cast<int>(data.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<std::string> unbase64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0 || text.size() % 4 != 0) {
    return fail(ErrorCode::invalid_input, "not base64");
  }
  std::size_t length = static_cast<std::size_t>(size);
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) {
    --length;
  }
  out.resize(length);
  return out;
}

void take_notify_socket() {
  if (const char* name = std::getenv("NOTIFY_SOCKET")) {
    notify_socket = name;
    ::unsetenv("NOTIFY_SOCKET");
  }
}

void notify(std::string_view state) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (notify_socket.empty() || notify_socket.size() >= sizeof address.sun_path) {
    return;
  }
  std::memcpy(address.sun_path, notify_socket.data(), notify_socket.size());
  if (address.sun_path[0] == '@') {
    address.sun_path[0] = '\0';
  }
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ::sendto(fd,
           state.data(),
           state.size(),
           MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket.size()));
  ::close(fd);
}

}  // namespace harness::standin::machine
