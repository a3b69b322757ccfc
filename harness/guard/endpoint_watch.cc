#include "harness/guard/endpoint_watch.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace harness::guard {
namespace {

constexpr std::size_t kMostAnswer = 64U << 10U;

// The status of "HTTP/1.1 200 OK"; -1 while the line is not whole, 0 when it is none.
int status_of(const std::string& answer) {
  const std::size_t end = answer.find('\n');
  if (end == std::string::npos) {
    return answer.size() > 1024 ? 0 : -1;
  }
  int status = 0;
  return std::sscanf(answer.c_str(), "HTTP/1.%*1d %3d", &status) == 1 ? status : 0;
}

// "  0: 0100007F:2481 00000000:0000 0A ...": the local port when the state is LISTEN, else -1.
int listener_of(const char* line) {
  unsigned port = 0;
  unsigned state = 0;
  const int got = std::sscanf(line, " %*d: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x", &port, &state);
  return got == 2 && state == 0x0A ? static_cast<int>(port) : -1;
}

}  // namespace

std::vector<int> listening_ports(const std::string& table) {
  std::vector<int> out;
  std::FILE* file = std::fopen(table.c_str(), "re");
  if (file == nullptr) {
    return out;
  }
  char line[512];
  bool listeners = std::fgets(line, sizeof line, file) != nullptr;  // the heading
  while (listeners && std::fgets(line, sizeof line, file) != nullptr) {
    const int port = listener_of(line);
    listeners = port >= 0;
    if (listeners) {
      out.push_back(port);
    }
  }
  std::fclose(file);
  return out;
}

EndpointWatch::EndpointWatch(Options options) : options_(std::move(options)) {
  for (const event::Marker& marker : options_.markers) {
    if (marker.kind == event::Marker::Kind::tcp) {
      const int port = std::atoi(marker.object.c_str());
      if (std::ranges::find(ports_, port, &Port::port) == ports_.end()) {
        ports_.push_back({.port = port});
      }
    } else if (marker.kind == event::Marker::Kind::http) {
      const auto where = event::LoopbackUrl::parse(marker.text);
      if (where && std::ranges::find(pages_, marker.text, &Page::url) == pages_.end()) {
        pages_.push_back(
            {.url = marker.text,
             .where = *where,
             .request = fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n"
                                    "User-Agent: hookshot\r\nConnection: close\r\n\r\n",
                                    where->path,
                                    where->port)});
      }
    }
  }
}

EndpointWatch::~EndpointWatch() {
  for (const Page& page : pages_) {
    if (page.fd >= 0) {
      close(page.fd);
    }
  }
}

void EndpointWatch::look_at_ports(const Take& take) {
  std::vector<int> listening;
  for (const std::string& table : options_.tables) {
    const std::vector<int> more = listening_ports(table);
    listening.insert(listening.end(), more.begin(), more.end());
  }
  const Now stamp = now();
  for (Port& port : ports_) {
    const int listens = std::ranges::find(listening, port.port) != listening.end() ? 1 : 0;
    const int before = std::exchange(port.listens, listens);
    if (before == listens) {
      continue;
    }
    Json fact = {
        {"type", "tcp"}, {"port", port.port}, {"state", listens == 1 ? "answers" : "refuses"}};
    if (before < 0) {
      fact["initial"] = true;
    }
    take(stamped(std::move(fact), stamp));
  }
}

void EndpointWatch::tell(Page& page, int status, const Take& take) {
  page.told = true;
  const int before = std::exchange(page.status, status);
  if (before == status) {
    return;
  }
  Json fact = {{"type", "http"}, {"url", page.url}, {"status", status}};
  if (before < 0) {
    fact["initial"] = true;
  }
  take(stamped(std::move(fact), now()));
}

void EndpointWatch::ask(Page& page, const Take& take) const {
  page.asked_at = now().mono_us;
  page.next_at = page.asked_at + options_.http_period.count();
  page.told = false;
  page.sent = 0;
  page.answer.clear();
  page.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (page.fd < 0) {
    return;  // out of descriptors is no fact about the service
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(page.where.port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(page.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
    close(std::exchange(page.fd, -1));
    tell(page, 0, take);
  }
}

// The rest of an answer is read after its status is told, so that the server ends in peace.
void EndpointWatch::go_on(Page& page, const Take& take) const {
  bool ended = false;
  while (!ended && page.sent < page.request.size()) {
    const ssize_t sent = send(
        page.fd, page.request.data() + page.sent, page.request.size() - page.sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS)) {
      break;
    }
    ended = sent <= 0;
    page.sent += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  char buffer[4096];
  while (!ended && page.sent == page.request.size()) {
    const ssize_t got = recv(page.fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
      break;
    }
    ended = got <= 0;
    page.answer.append(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
    ended = ended || page.answer.size() > kMostAnswer;
    if (const int status = status_of(page.answer); !page.told && status >= 0) {
      tell(page, status, take);
    }
  }
  if (ended || now().mono_us - page.asked_at > options_.patience.count()) {
    close(std::exchange(page.fd, -1));
    if (!page.told) {
      tell(page, 0, take);
    }
  }
}

void EndpointWatch::poll(const Take& take) {
  const std::int64_t at = now().mono_us;
  if (!ports_.empty() && at - ports_at_ >= options_.port_period.count()) {
    ports_at_ = at;
    look_at_ports(take);
  }
  for (Page& page : pages_) {
    if (page.fd < 0 && at >= page.next_at) {
      ask(page, take);
    }
    if (page.fd >= 0) {
      go_on(page, take);
    }
  }
}

void EndpointWatch::wait_on(std::vector<pollfd>& watched) const {
  for (const Page& page : pages_) {
    if (page.fd >= 0) {
      const bool sending = page.sent < page.request.size();
      watched.push_back({page.fd, static_cast<short>(sending ? POLLOUT : POLLIN), 0});
    }
  }
}

}  // namespace harness::guard
