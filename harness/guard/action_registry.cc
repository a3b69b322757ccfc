#include "harness/guard/action_registry.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/guard/action_network.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kResolveLimit{3000};
constexpr std::size_t kMostAddresses = 256;

bool is_ipv4(const std::string& address) {
  return address.find(':') == std::string::npos;
}

}  // namespace

std::vector<std::string> names_behind(const std::string& host) {
  // Where its manifests, tokens and layers come from.
  return host == "docker.io" || host == "index.docker.io"
             ? std::vector<std::string>{"registry-1.docker.io",
                                        "auth.docker.io",
                                        "production.cloudflare.docker.com"}
             : std::vector<std::string>{host};
}

Result<std::vector<std::string>> resolve(const std::string& host, const Means& means) {
  std::vector<std::string> out;
  std::string why;
  for (const std::string& name : names_behind(host)) {
    if (const std::string address = ip_address_of(name); !address.empty()) {
      out.push_back(address);
      continue;
    }
    TRY_ASSIGN(const Finished asked,
               means.feed({"getent", "ahosts", name}, "", kResolveLimit),
               "resolve " + name);
    if (!asked.ok()) {
      why += fmt::format("; {}: {}", name, asked.timed_out ? "no answer in 3 s" : "no such name");
    }
    if (asked.timed_out) {
      break;  // the others would take as long
    }
    std::istringstream lines(asked.ok() ? asked.out : "");
    for (std::string line; std::getline(lines, line);) {
      const std::string address = ip_address_of(line.substr(0, line.find(' ')));
      if (!address.empty() && std::ranges::find(out, address) == out.end() &&
          out.size() < kMostAddresses) {
        out.push_back(address);
      }
    }
  }
  if (out.empty()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} cannot be resolved on this node{}; give an address, or see its "
                            "/etc/resolv.conf",
                            host,
                            why));
  }
  if (std::ranges::any_of(out, is_loopback)) {
    return fail(
        ErrorCode::refused,
        fmt::format(
            "{} is this node's loopback ({}), which is never cut off", host, fmt::join(out, ", ")));
  }
  return out;
}

RegistryCut::RegistryCut(std::string table,
                         std::string host,
                         std::vector<std::string> known,
                         std::int64_t over_us,
                         Means means)
    : table_(std::move(table)),
      host_(std::move(host)),
      known_(std::move(known)),
      over_us_(over_us),
      means_(std::move(means)) {}

std::int64_t RegistryCut::step(std::int64_t mono_us) {
  if (next_us_ == 0) {
    next_us_ = mono_us + kResolveAgainUs;
  }
  if (mono_us < next_us_) {
    return next_us_;
  }
  next_us_ = mono_us + kResolveAgainUs;
  const std::chrono::milliseconds left((over_us_ - mono_us) / 1000);
  if (left.count() <= 0) {
    return next_us_;
  }
  auto found = resolve(host_, means_);
  if (!found) {
    return next_us_;
  }
  std::erase_if(*found, [&](const std::string& one) {
    return std::ranges::find(known_, one) != known_.end();
  });
  for (const std::string& address : *found) {
    const char* set = is_ipv4(address) ? "peers4" : "peers6";
    if (add_elements(table_, set, {address}, left, means_)) {
      known_.push_back(address);
    }
  }
  return next_us_;
}

Result<Struck> strike_registry(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  const auto registry = host_port_of(action.host);
  if (!registry) {
    return fail(ErrorCode::invalid_input, "action.host is no host");
  }
  TRY_ASSIGN(std::vector<std::string> addresses, resolve(registry->host, means), "registry");
  const std::vector<int> ports =
      registry->port == 0 ? std::vector<int>{443, 80} : std::vector<int>{registry->port};
  Cut cut(record.id, fmt::format("{} is cut off at {} addresses", action.host, addresses.size()));
  cut_off(addresses, ports, "both", "drop", action.hold + kGrace, cut);
  cut.gone = {{.address = addresses.front(), .port = ports.front()}};
  TRY_ASSIGN(Deed deed, strike_cut(cut, means), "registry");
  const std::int64_t over = deed.effect.mono_us + (action.hold + kGrace).count() * 1000;
  auto standing = std::make_unique<RegistryCut>(
      cut.text.table(), registry->host, std::move(addresses), over, means);
  return Struck{.deed = std::move(deed), .standing = std::move(standing)};
}

}  // namespace harness::guard
