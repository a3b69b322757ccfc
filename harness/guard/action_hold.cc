#include "harness/guard/action_hold.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/guard/action_certificate.h"
#include "harness/guard/action_clock.h"
#include "harness/guard/action_delay.h"
#include "harness/guard/action_fill.h"
#include "harness/guard/action_hog.h"
#include "harness/guard/action_manifest.h"
#include "harness/guard/action_netem.h"
#include "harness/guard/action_network.h"
#include "harness/guard/action_pulse.h"
#include "harness/guard/action_registry.h"
#include "harness/guard/action_throttle.h"
#include "harness/guard/data_dir.h"
#include "harness/guard/heartbeat.h"
#include "harness/guard/kernel_parts.h"
#include "harness/guard/nft_table.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kToolLimit{120'000};
// What is there answers sooner; what is cut off takes all of it.
constexpr std::chrono::milliseconds kReachLimit{400};

struct WayBack {
  std::string_view kind;
  Result<std::string> (*release)(const Json& held, const Means& means);
  bool on_disk = false;  // a reboot does not take it back
};

constexpr std::array kWaysBack = {
    WayBack{"frozen", [](const Json& held, const Means&) { return release_frozen(held); }},
    WayBack{"stopped", release_stopped},
    WayBack{"slowed", release_slowed},
    WayBack{"manifest",
            [](const Json& held, const Means& means) { return release_manifest(held, means); },
            true},
    WayBack{"certificate",
            [](const Json& held, const Means& means) { return release_certificate(held, means); },
            true},
    WayBack{"delayed", release_delayed},
    WayBack{"hog", release_hog},
    WayBack{"filled", release_filled},
    WayBack{"throttled",
            [](const Json& held, const Means& means) { return release_throttled(held, means); }},
    WayBack{"clock",
            [](const Json& held, const Means& means) { return release_clock(held, means); }},
    WayBack{"table", release_table},
    WayBack{"netem", release_netem},
};

Result<Struck> alone(Result<Deed> deed) {
  if (!deed) {
    return fail(std::move(deed).error());
  }
  return Struck{.deed = *std::move(deed), .standing = nullptr};
}

Result<Deed> throttle(const ArmRecord& record,
                      const ContainerWatch& containers,
                      const Means& means) {
  TRY_ASSIGN(const Container* target, running(record.action.pod, containers), "throttle");
  return throttle_disk(record, *target, means);
}

}  // namespace

Means means_of(std::function<Status(const Json& held)> note, std::string before) {
  return {.note = std::move(note),
          .run = [](const std::vector<std::string>& argv) { return spawn(argv, kToolLimit); },
          .feed = [](const std::vector<std::string>& argv,
                     const std::string& input,
                     std::chrono::milliseconds limit) { return spawn(argv, limit, input); },
          .reach = [](const std::vector<Endpoint>& all) { return try_reach(all, kReachLimit); },
          .before = std::move(before)};
}

Result<std::string> container_of(const Means& means) {
  TRY_ASSIGN(const Finished said, means.run({"systemd-detect-virt", "--container"}), "container");
  if (said.timed_out) {
    return fail(ErrorCode::timed_out, "systemd-detect-virt gave no answer");
  }
  return said.ok() ? said.out.substr(0, said.out.find('\n')) : std::string();
}

Error damaged(std::string_view field,
              std::string_view value,
              std::string_view why,
              std::string_view remedy) {
  return {ErrorCode::invalid_input,
          fmt::format("what the record holds is damaged: its {} '{}' {}; nothing was touched. {}",
                      field,
                      one_line(std::string(value)),
                      why,
                      remedy)};
}

Status check_held_unit(const std::string& unit) {
  return check_unit(unit) ? Status()
                          : fail(damaged("unit",
                                         unit,
                                         "is none of RKE2's",
                                         "`systemctl status rke2-server rke2-agent` on the node"));
}

Status check_means(const ArmRecord& record, const Means& means) {
  TRY(check_data_dir(record.data_dir), record.fault);
  switch (record.action.kind) {
    case Action::Kind::partition:
    case Action::Kind::dns:
    case Action::Kind::registry:
      return check_nft(means);
    case Action::Kind::netem:
      TRY(check_nft(means), "slow-network");
      return check_netem(record.action, means);
    case Action::Kind::fill:
      return check_fill(record, means);
    case Action::Kind::delay:
      return check_delay(record);
    case Action::Kind::kill:
    case Action::Kind::freeze:
    case Action::Kind::service:
    case Action::Kind::child:
    case Action::Kind::throttle:
      return check_process_handles();
    default:
      return {};
  }
}

Result<Struck> strike(const ArmRecord& record,
                      const ContainerWatch& containers,
                      const Means& means) {
  const auto abandoned = [&] {
    return heartbeat_age_ms(std::string(kRunDir)) > record.lease.count();
  };
  switch (record.action.kind) {
    case Action::Kind::freeze:
      return alone(freeze_container(record, containers, means));
    case Action::Kind::service:
      return alone(strike_service(record, means));
    case Action::Kind::slow:
      return slow(record, means);
    case Action::Kind::child:
      return alone(strike_child(record, means));
    case Action::Kind::manifest:
      return alone(take_manifest(record, means));
    case Action::Kind::delay:
      return delay_manifest(record, means, abandoned, is_kubelet_of_rke2);
    case Action::Kind::burn:
    case Action::Kind::memory:
      return alone(start_hog(record, means));
    case Action::Kind::fill:
      return fill_disk(record, means);
    case Action::Kind::throttle:
      return alone(throttle(record, containers, means));
    case Action::Kind::clock:
      return alone(jump_clock(record, means));
    case Action::Kind::certificate:
      return alone(expire_certificate(record, means, abandoned));
    case Action::Kind::partition:
      return alone(strike_partition(record, means));
    case Action::Kind::dns:
      return alone(strike_dns(record, means));
    case Action::Kind::registry:
      return strike_registry(record, means);
    case Action::Kind::netem:
      return alone(strike_netem(record, means));
    case Action::Kind::none:
    case Action::Kind::kill:
    case Action::Kind::reboot:
      break;
  }
  return fail(ErrorCode::internal, "this action is not struck here");
}

Result<std::string> release(const Json& held, const Means& means) {
  if (!held.is_object() || held.empty()) {
    return std::string();
  }
  const std::string kind = json_string(held, "kind");
  const auto way = std::ranges::find(kWaysBack, kind, &WayBack::kind);
  if (way == kWaysBack.end()) {
    return fail(ErrorCode::internal, "this guard knows no way back from '" + kind + "'");
  }
  if (!way->on_disk && json_string(held, "boot_id") != boot_id()) {
    return std::string("taken back by the reboot since");
  }
  try {
    return way->release(held, means);
  } catch (const Json::exception& problem) {
    return fail(ErrorCode::invalid_input,
                fmt::format("what the record holds of '{}' is damaged ({}); nobody can tell what "
                            "is to be put back",
                            kind,
                            problem.what()));
  }
}

}  // namespace harness::guard
