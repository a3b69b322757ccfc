#include "harness/guard/action_registry.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/names.h"
#include "harness/guard/action_network.h"
#include "harness/guard/pull_hosts.h"
#include "harness/guard/pull_proxy.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kResolveLimit{3000};
constexpr std::size_t kMostAddresses = 256;

bool is_ipv4(const std::string& address) {
  return address.find(':') == std::string::npos;
}

template <typename T>
void add_new(const T& one, std::vector<T>& into) {
  if (std::ranges::find(into, one) == into.end()) {
    into.push_back(one);
  }
}

struct Found {
  std::vector<std::string> hosts;
  std::vector<std::string> addresses;
  std::vector<int> ports;
  std::vector<Endpoint> asked;  // one of each host
  Json evidence = Json::array();
};

Status find(const PullHost& one, const Means& means, Found& found) {
  auto addresses = resolve(one.host, means);
  if (!addresses && addresses.error().code() == ErrorCode::refused && !one.named_by.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("{} has a mirror that is not cut off: {}; nothing was touched",
                            one.named_by,
                            addresses.error().message()));
  }
  if (!addresses && addresses.error().code() != ErrorCode::remote_failed) {
    return fail(std::move(addresses).error());
  }
  found.hosts.push_back(one.host);
  for (const int port : one.ports) {
    add_new(port, found.ports);
  }
  Json told = {{"host", one.host},
               {"ports", one.ports},
               {"addresses", Json::array()},
               {"named_by", one.named_by.empty() ? "registry" : one.named_by}};
  if (!addresses) {
    told["unresolved"] = addresses.error().message();
  } else {
    for (const std::string& address : *addresses) {
      if (found.addresses.size() < kMostAddresses) {
        add_new(address, found.addresses);
        told["addresses"].push_back(address);
      }
    }
    add_new(Endpoint{.address = addresses->front(), .port = one.ports.front()}, found.asked);
  }
  found.evidence.push_back(std::move(told));
  return {};
}

// At least one of them has an address; what has none now is asked for again while it lasts.
Result<Found> find_all(const std::vector<PullHost>& hosts, const Means& means) {
  Found found;
  for (const PullHost& one : hosts) {
    TRY(find(one, means, found), "");
  }
  if (!found.addresses.empty()) {
    return found;
  }
  std::vector<std::string> why;
  for (const Json& told : found.evidence) {
    why.push_back(json_string(told, "unresolved"));
  }
  return fail(ErrorCode::remote_failed, fmt::format("{}", fmt::join(why, "; ")));
}

std::string said_of(const Found& found) {
  std::string mirrors;
  for (std::size_t i = 1; i < found.hosts.size(); ++i) {
    mirrors += (i == 1 ? " and its mirrors " : ", ") + found.hosts[i];
  }
  return mirrors;
}

}  // namespace

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
                         std::vector<std::string> hosts,
                         std::vector<std::string> known,
                         std::int64_t over_us,
                         Means means)
    : table_(std::move(table)),
      hosts_(std::move(hosts)),
      known_(std::move(known)),
      over_us_(over_us),
      means_(std::move(means)) {}

std::int64_t RegistryCut::step(std::int64_t mono_us) {
  const std::int64_t pause = kResolveAgainUs / static_cast<std::int64_t>(hosts_.size());
  if (next_us_ == 0) {
    next_us_ = mono_us + pause;
  }
  if (mono_us < next_us_) {
    return next_us_;
  }
  next_us_ = mono_us + pause;
  const std::chrono::milliseconds left((over_us_ - mono_us) / 1000);
  if (left.count() <= 0) {
    return next_us_;
  }
  const auto found = resolve(hosts_[turn_++ % hosts_.size()], means_);
  if (!found) {
    return next_us_;
  }
  for (const std::string& address : *found) {
    const char* set = is_ipv4(address) ? "peers4" : "peers6";
    if (std::ranges::find(known_, address) == known_.end() &&
        add_elements(table_, set, {address}, left, means_)) {
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
  TRY_ASSIGN(const std::vector<PullHost> hosts, pull_hosts(*registry, record.data_dir), "registry");
  TRY_ASSIGN(const std::string proxy, check_no_proxy(hosts, record.unit, means), "registry");
  TRY_ASSIGN(Found found, find_all(hosts, means), "registry");
  Cut cut(record.id,
          fmt::format(
              "{}{} cut off at {} addresses", action.host, said_of(found), found.addresses.size()));
  cut_off(found.addresses, found.ports, "both", "drop", action.hold + kGrace, cut);
  cut.gone = found.asked;
  TRY_ASSIGN(Deed deed, strike_cut(cut, means), "registry");
  deed.evidence["hosts"] = std::move(found.evidence);
  deed.evidence["proxy"] = proxy;
  const std::int64_t over = deed.effect.mono_us + (action.hold + kGrace).count() * 1000;
  auto standing = std::make_unique<RegistryCut>(
      cut.text.table(), std::move(found.hosts), std::move(found.addresses), over, means);
  return Struck{.deed = std::move(deed), .standing = std::move(standing)};
}

}  // namespace harness::guard
