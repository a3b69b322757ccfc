#include "harness/guard/action_network.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/names.h"

namespace harness::guard {
namespace {

// Each waits for what does not answer: together the longest that a proof takes.
constexpr int kRounds = 5;
constexpr std::string_view kOverlay = "cni-overlay";
constexpr int kVxlan = 8472;

std::vector<int> ports_of(std::string_view what) {
  if (what == "etcd-peers") {
    return {2380};
  }
  if (what == "apiserver") {
    return {6443};
  }
  if (what == "supervisor") {
    return {9345};
  }
  if (what == kOverlay) {
    return {4789, 6081, 8472, 51820, 51821, 51871};
  }
  return {2379, 2380, 2381, 6443, 9345, 10250};
}

std::vector<std::string> words_of(const std::vector<int>& numbers) {
  std::vector<std::string> out;
  std::ranges::transform(
      numbers, std::back_inserter(out), [](int one) { return std::to_string(one); });
  return out;
}

void want_set(Cut& cut,
              const std::string& name,
              std::string_view type,
              std::vector<std::string> elements,
              std::chrono::milliseconds lifetime) {
  cut.text.set(name, type, elements, lifetime);
  std::ranges::sort(elements);
  cut.wanted.sets.emplace(name, std::move(elements));
}

void want_chain(Cut& cut, const std::string& hook) {
  cut.text.chain(hook);
  cut.wanted.hooks.push_back(hook);
  std::ranges::sort(cut.wanted.hooks);
}

void spare_ssh_and_loopback(Cut& cut) {
  cut.text.rule("input", "iifname lo accept");
  cut.text.rule("input", "tcp dport 22 accept");
  cut.text.rule("output", "oifname lo accept");
  cut.text.rule("output", "tcp sport 22 accept");
}

Status check_written(const Cut& cut, const TableState& found) {
  if (found.hooks == cut.wanted.hooks && found.sets == cut.wanted.sets) {
    return {};
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("table inet {} was written, but reads back with {} of {} sets as asked "
                          "and hooks {}",
                          cut.text.table(),
                          std::ranges::count_if(cut.wanted.sets,
                                                [&](const auto& set) {
                                                  const auto at = found.sets.find(set.first);
                                                  return at != found.sets.end() &&
                                                         at->second == set.second;
                                                }),
                          cut.wanted.sets.size(),
                          fmt::join(found.hooks, ", ")));
}

Status check_gone(const Cut& cut, const std::vector<Reach>& reached) {
  for (std::size_t i = 0; i < cut.gone.size(); ++i) {
    if (i >= reached.size() || reached[i] == Reach::answered) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} still answers, though table inet {} stands",
                              to_string(cut.gone[i]),
                              cut.text.table()));
    }
  }
  return {};
}

std::string first_name_server(const std::string& resolver) {
  std::istringstream lines(read_whole(resolver, 65536).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::string value;
    words >> key >> value;
    if (key == "nameserver" && !ip_address_of(value).empty()) {
      return ip_address_of(value);
    }
  }
  return "127.0.0.1";  // as the C library takes it
}

}  // namespace

std::string_view verdict_of(std::string_view how, std::string_view protocol) {
  return how != "reset" ? "drop" : protocol == "tcp" ? "reject with tcp reset" : "reject";
}

void cut_off(const std::vector<std::string>& addresses,
             const std::vector<int>& ports,
             std::string_view direction,
             std::string_view how,
             std::chrono::milliseconds lifetime,
             Cut& cut,
             std::string_view protocol) {
  std::vector<std::string> four = addresses;
  std::vector<std::string> six = addresses;
  std::erase_if(four, [](const std::string& one) { return one.find(':') != std::string::npos; });
  std::erase_if(six, [](const std::string& one) { return one.find(':') == std::string::npos; });
  want_set(cut, "peers4", "ipv4_addr", std::move(four), lifetime);
  want_set(cut, "peers6", "ipv6_addr", std::move(six), lifetime);
  want_set(cut, "ports", "inet_service", words_of(ports), {});
  for (const char* hook : {"forward", "input", "output"}) {
    want_chain(cut, hook);
  }
  spare_ssh_and_loopback(cut);
  if (how == "reset" && protocol == "tcp") {
    // The resets that the one direction sends must not be caught by the other.
    for (const char* hook : {"forward", "input", "output"}) {
      cut.text.rule(hook, "tcp flags & rst == rst accept");
    }
  }
  const std::string_view verdict = verdict_of(how, protocol);
  const auto add = [&](const char* hook, std::string_view side) {
    for (const auto& [family, peers] : {std::pair("ip", "@peers4"), std::pair("ip6", "@peers6")}) {
      for (const char* port : {"dport", "sport"}) {
        cut.text.rule(
            hook,
            fmt::format(
                "{} {} {} {} {} @ports counter {}", family, side, peers, protocol, port, verdict));
      }
    }
  };
  if (direction != "out") {
    add("input", "saddr");
    add("forward", "saddr");
  }
  if (direction != "in") {
    add("output", "daddr");
    add("forward", "daddr");
  }
}

Result<Deed> strike_cut(const Cut& cut, const Means& means) {
  const std::string& table = cut.text.table();
  TRY(means.note(held_table(table)), "keep the way back");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(write_table(cut.text, means), cut.what);
  deed.effect = now();
  TRY_ASSIGN(TableState found, read_table(table, means), "read back");
  TRY(check_written(cut, found), cut.what);
  found.packets = 0;  // that other traffic has met, before anything was asked
  std::vector<Reach> reached;
  for (int round = 0; round < kRounds && found.packets == 0; ++round) {
    reached = means.reach(cut.gone);
    TRY(check_gone(cut, reached), cut.what);
    TRY_ASSIGN(found, read_table(table, means), "read back");
  }
  if (found.packets == 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}: table inet {} stands, but none of its rules has met a packet; is "
                            "anything at {}?",
                            cut.what,
                            table,
                            to_string(cut.gone.front())));
  }
  Json asked = Json::array();
  for (std::size_t i = 0; i < reached.size(); ++i) {
    asked.push_back({{"at", to_string(cut.gone[i])}, {"answer", to_string(reached[i])}});
  }
  deed.evidence = {{"table", table},
                   {"sets", found.sets},
                   {"packets", found.packets},
                   {"asked", asked},
                   {"summary",
                    fmt::format("{}: table inet {} read back, {} packets met, {} says {}",
                                cut.what,
                                table,
                                found.packets,
                                to_string(cut.gone.front()),
                                to_string(reached.front()))}};
  return deed;
}

Result<Deed> strike_partition(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  const std::vector<int> ports = ports_of(action.object);
  Cut cut(record.id,
          fmt::format("{} cut off from {} addresses of other nodes ({}, {})",
                      action.object,
                      action.addresses.size(),
                      action.direction,
                      action.how));
  const bool overlay = action.object == kOverlay;
  cut_off(action.addresses,
          ports,
          action.direction,
          action.how,
          action.hold + kGrace,
          cut,
          overlay ? "udp" : "tcp");
  const int asked = overlay ? kVxlan : action.object == "control-plane" ? 10250 : ports.front();
  for (const std::string& address : action.addresses) {
    cut.gone.push_back({.address = address, .port = asked, .dns = overlay});
  }
  return strike_cut(cut, means);
}

Result<Deed> strike_dns(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  Cut cut(record.id, fmt::format("DNS is cut off ({})", action.how));
  cut.gone = {{.address = first_name_server(means.resolver), .port = 53, .dns = true}};
  want_set(cut, "ports", "inet_service", {"53", "853"}, action.hold + kGrace);
  for (const std::string hook : {"forward", "output"}) {
    want_chain(cut, hook);
    for (const char* protocol : {"udp", "tcp"}) {
      cut.text.rule(
          hook,
          fmt::format("{} dport @ports counter {}", protocol, verdict_of(action.how, protocol)));
    }
  }
  return strike_cut(cut, means);
}

}  // namespace harness::guard
