#include "harness/lab/standin/http_client.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>

namespace harness::standin {

namespace {

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

struct Receiver {
  HttpReply reply;
  std::string partial;
  const std::function<bool(std::string_view)>* line = nullptr;
  bool stopped = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  if (receiver.line == nullptr) {
    receiver.reply.body.append(data, size);
    return size;
  }
  receiver.partial.append(data, size);
  for (auto end = receiver.partial.find('\n'); end != std::string::npos;
       end = receiver.partial.find('\n')) {
    const std::string whole = receiver.partial.substr(0, end);
    receiver.partial.erase(0, end + 1);
    if (!(*receiver.line)(whole)) {
      receiver.stopped = true;
      return 0;
    }
  }
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& receiver = *static_cast<Receiver*>(user);
  const std::string_view line(data, size);
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    std::string name(line.substr(0, colon));
    std::transform(
        name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) {
      value.remove_prefix(1);
    }
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) {
      value.remove_suffix(1);
    }
    receiver.reply.headers[name] = value;
  }
  return size;
}

std::string host_of(std::string_view url) {
  url.remove_prefix(url.find("//") + 2);
  return std::string(url.substr(0, url.find('/')));
}

// The words of Go's net/http for what went wrong below it.
std::string network_error(CURL* handle,
                          CURLcode code,
                          const std::string& base,
                          const std::string& socket) {
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
  std::string reason = number != 0 ? std::strerror(static_cast<int>(number)) : "connection refused";
  std::transform(reason.begin(), reason.end(), reason.begin(), [](unsigned char c) {
    return std::tolower(c);
  });
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return socket.empty() ? fmt::format("dial tcp {}: connect: {}", host_of(base), reason)
                            : fmt::format("dial unix {}: connect: {}", socket, reason);
    case CURLE_OPERATION_TIMEDOUT:
      return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
      return "EOF";
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return number != 0 ? "read tcp: " + reason : "EOF";
    case CURLE_PEER_FAILED_VERIFICATION:
      return "x509: certificate signed by unknown authority";
    default:
      return curl_easy_strerror(code);
  }
}

void set(CURL* handle, CURLoption option, const std::string& value) {
  if (!value.empty()) {
    curl_easy_setopt(handle, option, value.c_str());
  }
}

std::string title(const std::string& method) {
  std::string out = method;
  std::transform(
      out.begin() + 1, out.end(), out.begin() + 1, [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

struct HttpClient::State {
  std::string base;
  Identity identity;
  std::string socket;
  bool http2 = false;
  std::unique_ptr<CURL, EasyCleanup> easy{};

  Result<HttpReply> perform(const HttpRequest& request, Receiver& receiver);
};

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(once);
  state_->easy.reset(curl_easy_init());
}

HttpClient::HttpClient(std::string base_url, Identity identity)
    : HttpClient(
          std::unique_ptr<State>(new State{std::move(base_url), std::move(identity), {}, false})) {}

HttpClient HttpClient::on_socket(std::string socket_path) {
  return HttpClient(
      std::unique_ptr<State>(new State{"http://localhost", {}, std::move(socket_path), true}));
}

HttpClient HttpClient::http2(std::string base_url, Identity identity) {
  return HttpClient(
      std::unique_ptr<State>(new State{std::move(base_url), std::move(identity), {}, true}));
}

HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::State::perform(const HttpRequest& request, Receiver& receiver) {
  CURL* const handle = easy.get();
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, (base + request.path).c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method != "GET") {
    curl_easy_setopt(
        handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (socket.empty()) {
    set(handle, CURLOPT_CAINFO, identity.ca);
    set(handle, CURLOPT_SSLCERT, identity.certificate);
    set(handle, CURLOPT_SSLKEY, identity.key);
    set(handle, CURLOPT_USERPWD, identity.user_password);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, identity.ca.empty() ? 0L : 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, identity.ca.empty() ? 0L : 2L);
  } else {
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  }
  const int version = !http2           ? CURL_HTTP_VERSION_1_1
                      : socket.empty() ? CURL_HTTP_VERSION_2TLS
                                       : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(version));
  if (http2) {
    // Debian 12's libcurl breaks a connection of this kind that it uses again.
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
  }
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : request.headers) {
    headers = curl_slist_append(headers, fmt::format("{}: {}", name, value).c_str());
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &receiver);
  const CURLcode code = curl_easy_perform(handle);
  curl_slist_free_all(headers);
  if (code != CURLE_OK && !receiver.stopped) {
    const std::string reason = network_error(handle, code, base, socket);
    return fail(
        ErrorCode::unreachable,
        socket.empty()
            ? fmt::format("{} \"{}{}\": {}", title(request.method), base, request.path, reason)
            : reason);
  }
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &receiver.reply.status);
  return std::move(receiver.reply);
}

Result<HttpReply> HttpClient::send(const HttpRequest& request) {
  Receiver receiver;
  return state_->perform(request, receiver);
}

Status HttpClient::follow(const HttpRequest& request,
                          const std::function<bool(std::string_view)>& line) {
  Receiver receiver;
  receiver.line = &line;
  TRY_ASSIGN(const HttpReply reply, state_->perform(request, receiver), "follow");
  if (reply.status >= 400) {
    return fail(ErrorCode::remote_failed, fmt::format("the server answered {}", reply.status));
  }
  return {};
}

}  // namespace harness::standin
