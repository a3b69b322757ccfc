#include "harness/guard/pull_proxy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "harness/base/names.h"
#include "harness/guard/action_pulse.h"
#include "harness/guard/pull_hosts.h"

namespace harness::guard {
namespace {

constexpr std::string_view kForContainerd = "CONTAINERD_";
constexpr std::size_t kMostOfEnvironment = 8U << 20U;

std::string in_small_letters(std::string_view text) {
  std::string out(trimmed(text));
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// The first of them that says anything.
std::string first_set(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto at = environment.find(name);
    if (at != environment.end() && !at->second.empty()) {
      return name;
    }
  }
  return {};
}

bool is_in_block(const std::string& host, std::string_view block) {
  const std::size_t slash = block.find('/');
  const std::string base(block.substr(0, slash));
  const std::string_view size = block.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, problem] = std::from_chars(size.data(), size.data() + size.size(), bits);
  if (problem != std::errc() || end != size.data() + size.size()) {
    return false;
  }
  for (const auto& [family, most] : {std::pair(AF_INET, 32U), std::pair(AF_INET6, 128U)}) {
    std::array<unsigned char, sizeof(in6_addr)> one{};
    std::array<unsigned char, sizeof(in6_addr)> other{};
    if (bits > most || inet_pton(family, host.c_str(), one.data()) != 1 ||
        inet_pton(family, base.c_str(), other.data()) != 1) {
      continue;
    }
    const std::size_t whole = bits / 8;
    const unsigned rest = (0xFFU << (8 - bits % 8)) & 0xFFU;
    return std::equal(
               one.begin(), one.begin() + static_cast<std::ptrdiff_t>(whole), other.begin()) &&
           (rest == 0 || (one[whole] & rest) == (other[whole] & rest));
  }
  return false;
}

// One entry of NO_PROXY: an address, a block of them, or a domain, with or without a port.
bool covers(std::string entry, const std::string& host, int port) {
  if (entry == "*") {
    return true;
  }
  if (entry.find('/') != std::string::npos) {
    return is_in_block(host, entry);
  }
  const std::size_t colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[') && entry.find("]:") != std::string::npos;
  if (colon != std::string::npos && (bracketed || entry.find(':') == colon)) {
    if (entry.substr(colon + 1) != std::to_string(port)) {
      return false;
    }
    entry = bracketed ? entry.substr(1, colon - 2) : entry.substr(0, colon);
  }
  if (const std::string address = ip_address_of(entry); !address.empty()) {
    return address == host;
  }
  const std::string domain = entry.starts_with("*.") ? entry.substr(1) : entry;
  return !domain.empty() &&
         (domain.front() == '.' ? host.ends_with(domain)
                                : host == domain || host.ends_with("." + domain));
}

bool is_spared(std::string_view no_proxy, const std::string& host, int port) {
  while (!no_proxy.empty()) {
    const std::size_t comma = std::min(no_proxy.find(','), no_proxy.size());
    if (covers(in_small_letters(no_proxy.substr(0, comma)), host, port)) {
      return true;
    }
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
  }
  return false;
}

}  // namespace

Environment environment_of(std::string_view environ, bool for_containerd) {
  Environment out;
  Environment over;
  while (!environ.empty()) {
    const std::size_t end = std::min(environ.find('\0'), environ.size());
    const std::string_view entry = environ.substr(0, end);
    environ.remove_prefix(std::min(end + 1, environ.size()));
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view name = entry.substr(0, equals);
    out.emplace(name, entry.substr(equals + 1));
    if (for_containerd && name.starts_with(kForContainerd)) {
      over.emplace(name.substr(kForContainerd.size()), entry.substr(equals + 1));
    }
  }
  over.merge(out);
  return over;
}

std::string proxied_by(const Environment& environment,
                       std::string_view scheme,
                       const std::string& host,
                       int port) {
  const std::string variable = scheme == "https"
                                   ? first_set(environment, {"HTTPS_PROXY", "https_proxy"})
                                   : first_set(environment, {"HTTP_PROXY", "http_proxy"});
  if (variable.empty() || host == "localhost" || is_loopback(host)) {
    return {};
  }
  const std::string sparing = first_set(environment, {"NO_PROXY", "no_proxy"});
  return !sparing.empty() && is_spared(environment.find(sparing)->second, host, port)
             ? std::string()
             : variable;
}

std::string place_of_proxy(std::string_view url) {
  if (const std::size_t mark = url.find("://"); mark != std::string_view::npos) {
    url.remove_prefix(mark + 3);
  }
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    url.remove_prefix(at + 1);
  }
  const std::string place = in_small_letters(url.substr(0, url.find_first_of("/?#")));
  return host_port_of(place) ? place : "whose host is not understood";
}

Result<std::string> check_no_proxy(const std::vector<PullHost>& hosts,
                                   const std::string& unit,
                                   const Means& means) {
  const auto main = main_process(means, unit);
  if (!main) {
    return "nothing tells of a proxy that pulls go by: " + main.error().message();
  }
  const std::vector<Process> all = with_children(*main, means.proc);
  const auto child = std::ranges::find_if(all, [&](const Process& one) {
    return one != *main && program_of(one.pid, means.proc) == "containerd";
  });
  const bool runs = child != all.end();
  const std::string who =
      fmt::format("{}, process {}", runs ? "containerd" : unit, runs ? child->pid : main->pid);
  TRY_ASSIGN(const std::string environ,
             read_whole(fmt::format("{}/{}/environ", means.proc, runs ? child->pid : main->pid),
                        kMostOfEnvironment),
             "look for a proxy of " + who);
  const Environment environment = environment_of(environ, !runs);
  for (const PullHost& one : hosts) {
    for (const std::string& name : names_behind(one.host)) {
      const int port = one.ports.front();
      const std::string variable = proxied_by(environment, one.scheme, name, port);
      if (!variable.empty()) {
        return fail(ErrorCode::not_supported,
                    fmt::format("pulls from {}:{} go by the proxy {} ({} of {}; NO_PROXY does not "
                                "cover it), which this fault does not cut; nothing was touched. "
                                "Let NO_PROXY cover it, or leave block-registry out here",
                                name,
                                port,
                                place_of_proxy(environment.find(variable)->second),
                                variable,
                                who));
      }
    }
  }
  return fmt::format("none for these hosts in the environment of {}", who);
}

}  // namespace harness::guard
