#include "harness/lab/standin/https_server.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace harness::standin {

namespace {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

}  // namespace

struct HttpsServer::Context {
  std::unique_ptr<SSL_CTX, ContextFree> tls{SSL_CTX_new(TLS_server_method())};
};

namespace {

constexpr std::size_t kLargest = 1 << 20;
constexpr timeval kPatience = {15, 0};

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

bool use_certificate(SSL_CTX* tls, const x509::Pair& pair) {
  BIO* in = BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size()));
  X509* leaf = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  X509* issuer = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  in = BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  const bool good = leaf != nullptr && key != nullptr && SSL_CTX_use_certificate(tls, leaf) == 1 &&
                    SSL_CTX_use_PrivateKey(tls, key) == 1;
  if (issuer != nullptr) {
    SSL_CTX_add0_chain_cert(tls, issuer);
  }
  X509_free(leaf);
  EVP_PKEY_free(key);
  return good;
}

// Reads until the request is whole; false when it never becomes one.
bool read_request(SSL* connection, ServerRequest& request) {
  std::string data;
  char buffer[16384];
  std::size_t head_end = std::string::npos;
  std::size_t body_size = 0;
  while (data.size() < kLargest) {
    const int got = SSL_read(connection, buffer, sizeof buffer);
    if (got <= 0) {
      return false;
    }
    data.append(buffer, static_cast<std::size_t>(got));
    if (head_end == std::string::npos) {
      head_end = data.find("\r\n\r\n");
      if (head_end == std::string::npos) {
        continue;
      }
      if (!parse_head(std::string_view(data).substr(0, head_end), request)) {
        return false;
      }
      const auto length = request.headers.find("content-length");
      body_size =
          length == request.headers.end() ? 0 : std::strtoul(length->second.c_str(), nullptr, 10);
    }
    if (data.size() >= head_end + 4 + body_size) {
      request.body = data.substr(head_end + 4, body_size);
      return true;
    }
  }
  return false;
}

std::string peer_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  char text[INET_ADDRSTRLEN] = {};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  }
  return text;
}

}  // namespace

bool parse_head(std::string_view head, ServerRequest& into) {
  const auto first = head.substr(0, head.find("\r\n"));
  const auto space = first.find(' ');
  const auto second = first.find(' ', space + 1);
  if (space == std::string_view::npos || second == std::string_view::npos ||
      !first.substr(second + 1).starts_with("HTTP/1.")) {
    return false;
  }
  into.method = first.substr(0, space);
  const auto target = first.substr(space + 1, second - space - 1);
  into.path = target.substr(0, target.find('?'));
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;
       at = head.find("\r\n", at)) {
    at += 2;
    const auto line = head.substr(at, head.find("\r\n", at) - at);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return false;
    }
    std::string name(line.substr(0, colon));
    std::transform(
        name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.size(), value.find_first_not_of(' ')));
    into.headers[name] = value;
  }
  return true;
}

std::string render_reply(const ServerReply& reply) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      reply.status,
      reason(reply.status),
      reply.type,
      reply.body.size(),
      reply.body);
}

HttpsServer::HttpsServer() : context_(std::make_unique<Context>()) {}

HttpsServer::~HttpsServer() {
  if (listener_ >= 0) {
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
  }
}

Status HttpsServer::listen(std::uint16_t port, const x509::Pair& certificate) {
  ::signal(SIGPIPE, SIG_IGN);
  if (!use_certificate(context_->tls.get(), certificate)) {
    return fail(ErrorCode::internal, "the supervisor's certificate cannot be used");
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    return fail(ErrorCode::internal,
                fmt::format("listen tcp :{}: bind: address already in use", port));
  }
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  std::thread([this] { accept_forever(); }).detach();
  return {};
}

void HttpsServer::set_handler(Handler handler) {
  std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

ServerReply HttpsServer::answer(const ServerRequest& request) {
  Handler handler;
  {
    std::lock_guard lock(mutex_);
    handler = handler_;
  }
  return handler ? handler(request) : ServerReply{503, "starting\n", "text/plain"};
}

void HttpsServer::accept_forever() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      std::thread([this, fd] { serve(fd); }).detach();
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EMFILE) {
      return;
    }
  }
}

void HttpsServer::serve(int fd) {
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  SSL* connection = SSL_new(context_->tls.get());
  SSL_set_fd(connection, fd);
  ServerRequest request;
  request.peer = peer_of(fd);
  if (SSL_accept(connection) == 1 && read_request(connection, request)) {
    const std::string reply = render_reply(answer(request));
    SSL_write(connection, reply.data(), static_cast<int>(reply.size()));
    SSL_shutdown(connection);
  }
  SSL_free(connection);
  ::close(fd);
}

}  // namespace harness::standin
