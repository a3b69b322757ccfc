#include "harness/guard/notify.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace harness::guard {
namespace {

void notify(std::string_view text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) {
    return;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  socklen_t length = sizeof address;
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  static_cast<void>(sendto(
      fd, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length));
  close(fd);
}

}  // namespace

void notify_ready() {
  notify("READY=1");
}

void notify_end_after(std::chrono::milliseconds after) {
  notify(fmt::format("WATCHDOG_USEC={}", std::chrono::microseconds(after).count()));
}

}  // namespace harness::guard
