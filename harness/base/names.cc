#include "harness/base/names.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace harness {
namespace {

bool is_label(std::string_view label) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         label.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) {
    return false;
  }
  for (;;) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (!is_label(label)) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return label.find_first_not_of("0123456789") != std::string_view::npos;
    }
    text.remove_prefix(dot + 1);
  }
}

// 0 when it is no port.
int port_of(std::string_view text) {
  int port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && text.front() != '-' && port >= 1 && port <= 65535 ? port : 0;
}

}  // namespace

bool is_cluster_name(std::string_view text) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.size() <= 64 && text.front() != '-' && text.front() != '.' &&
         text.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_plain_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= 1024 && !has_control_character(text) &&
         text.find("/../") == std::string_view::npos && !text.ends_with("/..") &&
         text.find("/./") == std::string_view::npos && !text.ends_with("/.") &&
         text.find("//") == std::string_view::npos;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string ip_address_of(std::string_view text) {
  const std::string whole(text);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  std::array<char, INET6_ADDRSTRLEN> form{};
  if (whole.size() >= form.size() || has_control_character(text)) {
    return {};
  }
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, whole.c_str(), bytes.data()) == 1 &&
        inet_ntop(family, bytes.data(), form.data(), form.size()) != nullptr) {
      return form.data();
    }
  }
  return {};
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::optional<HostPort> host_port_of(std::string_view text) {
  if (const std::string address = ip_address_of(text); !address.empty()) {
    return HostPort{.host = address};
  }
  std::string_view host = text;
  int port = 0;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    port = port_of(text.substr(colon + 1));
    host = text.substr(0, colon);
    if (port == 0) {
      return std::nullopt;
    }
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    const std::string address = ip_address_of(host.substr(1, host.size() - 2));
    return address.find(':') == std::string::npos
               ? std::nullopt
               : std::optional(HostPort{.host = address, .port = port});
  }
  const std::string address = ip_address_of(host);
  if (address.find(':') != std::string::npos || (address.empty() && !is_host_name(host))) {
    return std::nullopt;
  }
  return HostPort{.host = address.empty() ? std::string(host) : address, .port = port};
}

}  // namespace harness
