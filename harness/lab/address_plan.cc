#include "harness/lab/address_plan.h"

#include <charconv>
#include <cstdio>

#include <fmt/format.h>

namespace harness::lab {

namespace {

constexpr int kFirstSubnet = 1;
constexpr int kLastSubnet = 254;
constexpr std::size_t kLongestName = 12;  // "hs-" and a name must fit a link's 15 characters

bool lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

PlannedNode node(const AddressPlan& plan, std::string_view role, int number) {
  const bool server = role == "server";
  PlannedNode out;
  out.name = fmt::format("{}-{}", server ? "cp" : "w", number);
  out.role = role;
  out.address = fmt::format("198.18.{}.{}", plan.subnet, (server ? 10 : 20) + number);
  out.machine = fmt::format("hs{}-{}", plan.subnet, out.name);
  return out;
}

}  // namespace

Status check_lab_name(std::string_view name) {
  bool fit =
      !name.empty() && name.size() <= kLongestName && lower(name.front()) && name.back() != '-';
  for (const char c : name) {
    fit = fit && (lower(c) || digit(c) || c == '-');
  }
  if (!fit) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' cannot name a lab: a letter, then lower-case letters, digits and "
                            "inner dashes, at most {} "
                            "characters",
                            name,
                            kLongestName));
  }
  return {};
}

std::set<int> subnets_in(std::string_view text) {
  constexpr std::string_view prefix = "198.18.";
  std::set<int> out;
  for (auto at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
    const std::string_view rest = text.substr(at + prefix.size());
    int number = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (read.ec == std::errc() && number <= 255 &&
        (at == 0 || (!digit(text[at - 1]) && text[at - 1] != '.'))) {
      out.insert(number);
    }
  }
  return out;
}

Result<int> free_subnet(const std::set<int>& used) {
  for (int subnet = kFirstSubnet; subnet <= kLastSubnet; ++subnet) {
    if (!used.contains(subnet)) {
      return subnet;
    }
  }
  return fail(ErrorCode::refused, "every subnet of 198.18.0.0/16 is in use on this machine");
}

Result<AddressPlan> plan_addresses(std::string_view lab, int subnet, int servers, int agents) {
  TRY(check_lab_name(lab), "lab name");
  if (servers < 1 || servers > 3 || agents < 0 || agents > 2) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("a lab has 1 to 3 servers and 0 to 2 agents, not {} and {}", servers, agents));
  }
  AddressPlan plan;
  plan.subnet = subnet;
  plan.bridge = fmt::format("hs-{}", lab);
  plan.bridge_mac = fmt::format("02:68:73:00:{:02x}:01", subnet);
  plan.host_address = fmt::format("198.18.{}.1", subnet);
  plan.gateway = fmt::format("198.18.{}.254", subnet);
  for (int number = 1; number <= servers; ++number) {
    plan.nodes.push_back(node(plan, "server", number));
  }
  for (int number = 1; number <= agents; ++number) {
    plan.nodes.push_back(node(plan, "agent", number));
  }
  return plan;
}

std::string mac_of(const PlannedNode& node) {
  int subnet = 0;
  int host = 0;
  static_cast<void>(std::sscanf(node.address.c_str(), "198.18.%d.%d", &subnet, &host));
  return fmt::format("02:68:73:01:{:02x}:{:02x}", subnet, host);
}

}  // namespace harness::lab
