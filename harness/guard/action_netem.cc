#include "harness/guard/action_netem.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/guard/action_network.h"

namespace harness::guard {
namespace {

constexpr int kRounds = 5;
constexpr int kAfterAllNat = 300;
// Bit 12. portmap has 13 (0x2000), kube-proxy 14 and 15, Calico, Weave and Tailscale theirs from 16
// up, Cilium 0 to 11 and from 16 up; 12 to 15 it takes only with IPsec, for the number of a key.
constexpr const char* kMark = "0x1000";

bool is_device(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 15 && name.front() != '-' && name.front() != '.' &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

Result<std::vector<std::string>> devices_to(const std::vector<std::string>& addresses,
                                            const Means& means) {
  std::vector<std::string> out;
  for (const std::string& address : addresses) {
    TRY_ASSIGN(const Finished asked,
               means.feed({"ip", "-j", "route", "get", address}, "", kTcLimit),
               "the way to " + address);
    const auto routes = parse_json(asked.out);
    const std::string device = asked.ok() && routes && routes->is_array() && !routes->empty()
                                   ? json_string((*routes)[0], "dev")
                                   : "";
    if (!is_device(device) || device == "lo") {
      return fail(ErrorCode::remote_failed,
                  fmt::format("ip route get {}: {}; no device leads there",
                              address,
                              device.empty() ? said_by_tc(asked) : device));
    }
    if (std::ranges::find(out, device) == out.end()) {
      out.push_back(device);
    }
  }
  return out;
}

TableText marks_of(const ArmRecord& record) {
  std::vector<std::string> four = record.action.addresses;
  std::vector<std::string> six = record.action.addresses;
  std::erase_if(four, [](const std::string& one) { return one.find(':') != std::string::npos; });
  std::erase_if(six, [](const std::string& one) { return one.find(':') == std::string::npos; });
  const auto lifetime = record.action.hold + kGrace;
  TableText text(table_of(record.id));
  text.set("peers4", "ipv4_addr", four, lifetime);
  text.set("peers6", "ipv6_addr", six, lifetime);
  text.chain("postrouting", kAfterAllNat);
  text.rule("postrouting", "oifname lo accept");
  text.rule("postrouting", "tcp sport 22 accept");
  for (const char* peers : {"ip daddr @peers4", "ip6 daddr @peers6"}) {
    text.rule("postrouting", fmt::format("{} counter meta mark set meta mark or {}", peers, kMark));
  }
  return text;
}

Status slow_device(const std::string& device, const Action& action, const Means& means) {
  TRY_ASSIGN(const Finished asked,
             means.feed({"tc", "-batch", "-"}, qdisc_text(device, action), kTcLimit),
             "slow " + device);
  if (!asked.ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("tc did not take netem on {}: {}", device, said_by_tc(asked)));
  }
  return {};
}

// Packets that netem has met, of all devices; an error where one has none.
Result<std::int64_t> packets_through(const std::vector<std::string>& devices, const Means& means) {
  TRY_ASSIGN(const std::vector<Qdisc> all, read_qdiscs(means), "read back");
  std::int64_t packets = 0;
  for (const std::string& device : devices) {
    const Qdisc* netem = find_qdisc(all, device, "netem", kNetemHandle);
    if (netem == nullptr || find_qdisc(all, device, "prio", kRootHandle) == nullptr) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("netem was put on {}, but does not read back", device));
    }
    packets += netem->packets;
  }
  return packets;
}

}  // namespace

std::string netem_words(const Action& action) {
  const auto amount = [&](const char* key) {
    const auto found = action.amounts.find(key);
    return found == action.amounts.end() ? 0 : found->second;
  };
  std::string out = "netem limit 10000";
  if (const std::int64_t delay = amount("delay_us"); delay > 0) {
    out += fmt::format(" delay {}us", delay);
    out += amount("jitter_us") > 0 ? fmt::format(" {}us", amount("jitter_us")) : "";
  }
  for (const auto& [key, word] : {std::pair("loss_percent", "loss"),
                                  std::pair("duplicate_percent", "duplicate"),
                                  std::pair("reorder_percent", "reorder")}) {
    out += amount(key) > 0 ? fmt::format(" {} {}%", word, amount(key)) : "";
  }
  return out + (amount("rate_kbit") > 0 ? fmt::format(" rate {}kbit", amount("rate_kbit")) : "");
}

std::string qdisc_text(const std::string& device, const Action& action) {
  return fmt::format(
      "qdisc add dev {0} root handle {1} prio bands 4\n"
      "qdisc add dev {0} parent {1}4 handle {2} {3}\n"
      "filter add dev {0} parent {1} protocol all prio 1 handle {4}/{4} fw flowid {1}4\n",
      device,
      kRootHandle,
      kNetemHandle,
      netem_words(action),
      kMark);
}

Status check_netem(const Action& action, const Means& means) {
  TRY_ASSIGN(
      const Finished asked,
      means.feed({"unshare", "--net", "tc", "-batch", "-"}, qdisc_text("lo", action), kTcLimit),
      "try netem");
  if (asked.ok()) {
    return {};
  }
  return fail(ErrorCode::not_supported,
              fmt::format("this node cannot slow its network: tc says {}; it wants iproute2 and "
                          "the kernel modules sch_netem, sch_prio and cls_fw (`modprobe "
                          "sch_netem`; RHEL has them in kernel-modules-extra)",
                          said_by_tc(asked)));
}

Result<Deed> strike_netem(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  TRY(check_netem(action, means), "slow-network");
  TRY_ASSIGN(
      const std::vector<std::string> devices, devices_to(action.addresses, means), "slow-network");
  TRY_ASSIGN(const std::vector<Qdisc> before, read_qdiscs(means), "slow-network");
  for (const std::string& device : devices) {
    TRY(check_untouched(before, device), "slow-network");
  }
  const TableText marks = marks_of(record);
  Json held = held_table(marks.table());
  held["kind"] = "netem";
  held["devices"] = devices;
  TRY(means.note(held), "keep the way back");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(write_table(marks, means), "slow-network");
  for (const std::string& device : devices) {
    TRY(slow_device(device, action, means), "slow-network");
  }
  deed.effect = now();
  std::vector<Endpoint> peers;
  for (const std::string& address : action.addresses) {
    peers.push_back({.address = address, .port = 10250});
  }
  std::int64_t packets = 0;
  for (int round = 0; round < kRounds && packets == 0; ++round) {
    static_cast<void>(means.reach(peers));
    TRY_ASSIGN(packets, packets_through(devices, means), "slow-network");
  }
  if (packets == 0) {
    return fail(ErrorCode::remote_failed,
                fmt::format("netem stands on {}, but it met no packet", fmt::join(devices, ", ")));
  }
  deed.evidence = {{"devices", devices},
                   {"netem", netem_words(action)},
                   {"packets", packets},
                   {"table", marks.table()},
                   {"summary",
                    fmt::format("{} on {}, read back, it met {} packets",
                                netem_words(action),
                                fmt::join(devices, ", "),
                                packets)}};
  return deed;
}

Result<std::vector<std::string>> qdiscs_left(const Means& means) {
  const auto all = read_qdiscs(means);
  if (!all && all.error().code() == ErrorCode::not_supported) {
    return std::vector<std::string>();
  }
  TRY(all, "look for qdiscs of ours");
  std::vector<std::string> out;
  for (const Qdisc& one : *all) {
    if ((one.kind == "prio" && one.handle == kRootHandle) ||
        (one.kind == "netem" && one.handle == kNetemHandle)) {
      out.push_back(fmt::format("{} {} on {}", one.kind, one.handle, one.device));
    }
  }
  return out;
}

Result<std::string> delete_root(const std::string& device, const Means& means) {
  if (!is_device(device)) {
    return fail(ErrorCode::internal, "the record names a device that is none");
  }
  TRY_ASSIGN(const std::vector<Qdisc> all, read_qdiscs(means), "take back");
  if (find_qdisc(all, device, "prio", kRootHandle) == nullptr) {
    return device + " has no qdisc of ours";
  }
  // The kernel refuses it when the root has another handle by then.
  TRY_ASSIGN(
      const Finished asked,
      means.feed(
          {"tc", "qdisc", "del", "dev", device, "root", "handle", kRootHandle}, "", kTcLimit),
      "take back");
  TRY_ASSIGN(const std::vector<Qdisc> after, read_qdiscs(means), "read back");
  if (find_qdisc(after, device, "prio", kRootHandle) != nullptr) {
    return fail(ErrorCode::remote_failed, fmt::format("{}: {}", device, said_by_tc(asked)));
  }
  return device + " has its own qdisc again, read back";
}

Result<std::string> release_netem(const Json& held, const Means& means) {
  std::string said;
  std::string left;
  for (const Json& name : held.value("devices", Json::array())) {
    const auto deleted = delete_root(name.is_string() ? name.get<std::string>() : "", means);
    (deleted ? said : left) += (deleted ? *deleted : deleted.error().message()) + "; ";
  }
  const auto table = release_table(held, means);
  if (!left.empty() || !table) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{}{}; delete the qdisc {} by hand",
                            left,
                            table ? *table : table.error().message(),
                            kRootHandle));
  }
  return said + *table;
}

}  // namespace harness::guard
