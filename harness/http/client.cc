#include "harness/http/client.h"

#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "harness/base/redact.h"

namespace harness::http {
namespace {

constexpr std::size_t kBodyCap = 16u << 20;

struct CloseEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

using Easy = std::unique_ptr<CURL, CloseEasy>;

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

curl_blob blob(const std::string& text) {
  return {.data = const_cast<char*>(text.data()), .len = text.size(), .flags = CURL_BLOB_COPY};
}

// A path that cannot change the request it is put into.
bool good_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return false;
  }
  for (const char c : path) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
        c == '#') {
      return false;
    }
  }
  return true;
}

bool good_word(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+; =*";
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

struct Client::Parts {
  std::string host;
  int port = 0;
  bool tls = true;
  Credentials credentials;
  SocketFactory connect;
  std::size_t body_cap = kBodyCap;
  Easy easy;

  // Of the request that is under way.
  Deadline deadline{SteadyTime::max()};
  std::optional<Error> connect_error;
  bool fresh = false;
  bool connected = false;
  bool too_large = false;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> said{};

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* to) {
    Parts& parts = *static_cast<Parts*>(self);
    const auto socket = parts.connect(parts.deadline);
    if (!socket) {
      parts.connect_error = socket.error();
      return CURL_SOCKET_BAD;
    }
    parts.fresh = true;
    parts.connected = socket->address.empty();
    if (!parts.connected) {
      // curl connects to what it finds here afterwards; its own buffer is a whole sockaddr_storage.
      HARNESS_ASSERT(socket->address.size() <= sizeof(sockaddr_storage));
      std::memcpy(static_cast<void*>(&to->addr), socket->address.data(), socket->address.size());
      to->addrlen = static_cast<unsigned int>(socket->address.size());
      to->family = to->addr.sa_family;
    }
    return socket->fd;
  }

  static int before_connect(void* self, curl_socket_t, curlsocktype) {
    return static_cast<Parts*>(self)->connected ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
  }

  static std::size_t receive(char* bytes, std::size_t one, std::size_t count, void* self) {
    Parts& parts = *static_cast<Parts*>(self);
    if (parts.body.size() + one * count > parts.body_cap) {
      parts.too_large = true;
      return 0;
    }
    parts.body.append(bytes, one * count);
    return one * count;
  }

  void prepare() {
    start_curl();
    easy.reset(curl_easy_init());
    HARNESS_ASSERT(easy != nullptr);
    CURL* const c = easy.get();
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, &Parts::open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, &Parts::before_connect);
    curl_easy_setopt(c, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &Parts::receive);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said.data());
    if (!credentials.basic_user.empty()) {
      curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(c, CURLOPT_USERPWD, credentials.basic_user.c_str());
    }
    if (tls) {
      prepare_tls();
    }
  }

  void prepare_tls() {
    CURL* const c = easy.get();
    const auto set = [c](CURLoption option, const std::string& text) {
      if (!text.empty()) {
        curl_blob content = blob(text);
        curl_easy_setopt(c, option, &content);
      }
    };
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, credentials.ca_pem.empty() ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, credentials.ca_pem.empty() ? 0L : 2L);
    set(CURLOPT_CAINFO_BLOB, credentials.ca_pem);
    set(CURLOPT_SSLCERT_BLOB, credentials.client_cert_pem);
    set(CURLOPT_SSLKEY_BLOB, credentials.client_key_pem);
  }

  std::string url(const Request& request) const {
    const bool ipv6 = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}{}",
                       tls ? "https" : "http",
                       ipv6 ? "[" : "",
                       host,
                       ipv6 ? "]" : "",
                       port,
                       request.path);
  }

  std::string doing(const Request& request) const {
    return redact(fmt::format("{} {}", request.method, url(request)));
  }

  Error problem(CURLcode code, const Request& request) const {
    const std::string what = doing(request);
    if (connect_error) {
      Error error = *connect_error;
      error.prepend(what);
      return error;
    }
    if (too_large) {
      return {ErrorCode::remote_failed,
              fmt::format("{}: the answer is larger than {} bytes", what, body_cap)};
    }
    const std::string text = redact(said[0] != '\0' ? said.data() : curl_easy_strerror(code));
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT:
        return {ErrorCode::timed_out, what + ": no answer in time"};
      case CURLE_PEER_FAILED_VERIFICATION:
        return {ErrorCode::refused,
                fmt::format("{}: its certificate is not trusted: {}", what, text)};
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_CACERT_BADFILE:
        return {ErrorCode::invalid_input,
                fmt::format("{}: the certificate or key to show cannot be used: {}", what, text)};
      default:
        return {ErrorCode::remote_failed, fmt::format("{}: {}", what, text)};
    }
  }
};

Client::Client(std::string host, int port, bool tls, Credentials credentials, SocketFactory connect)
    : parts_(std::make_unique<Parts>()) {
  parts_->host = std::move(host);
  parts_->port = port;
  parts_->tls = tls;
  parts_->credentials = std::move(credentials);
  parts_->connect = std::move(connect);
  parts_->prepare();
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

void Client::set_body_cap(std::size_t bytes) {
  parts_->body_cap = bytes;
}

Result<Response> Client::send(const Request& request, Deadline deadline) {
  Parts& parts = *parts_;
  if (!good_path(request.path) || !good_word(request.method) || !good_word(request.content_type)) {
    return fail(
        ErrorCode::invalid_input,
        "an HTTP request whose method, path or content type has characters that none may have");
  }
  const auto left = deadline.left();
  if (left.count() == 0) {
    return fail(ErrorCode::timed_out, parts.doing(request) + ": no time left");
  }
  parts.deadline = deadline;
  parts.connect_error.reset();
  parts.fresh = parts.too_large = false;
  parts.body.clear();
  parts.said[0] = '\0';
  CURL* const c = parts.easy.get();
  std::unique_ptr<curl_slist, FreeList> headers;
  curl_easy_setopt(c, CURLOPT_URL, parts.url(request).c_str());
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    headers.reset(curl_slist_append(nullptr, ("Content-Type: " + request.content_type).c_str()));
    headers.reset(curl_slist_append(headers.release(), "Expect:"));
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_NOBODY, request.method == "HEAD" ? 1L : 0L);
  curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  const auto begun = std::chrono::steady_clock::now();
  const CURLcode code = curl_easy_perform(c);
  const auto taken = std::chrono::steady_clock::now() - begun;
  if (code != CURLE_OK) {
    return fail(parts.problem(code, request));
  }
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  return Response{.status = static_cast<int>(status),
                  .body = std::move(parts.body),
                  .latency = std::chrono::duration_cast<Microseconds>(taken),
                  .fresh = parts.fresh};
}

}  // namespace harness::http
