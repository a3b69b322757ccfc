#include "harness/fault/inject.h"

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/fault/peers.h"

namespace harness::fault {
namespace {

// A lease is renewed this many times before it would run out.
constexpr int kBeatsPerLease = 5;
// Healing has its own time: it must not fail because the fault took all of the caller's.
constexpr std::chrono::minutes kHealLimit{5};

constexpr std::chrono::minutes kAroundTheFault{5};
constexpr std::chrono::milliseconds kHoldPeriod{500};

// What lasts is given its time: the node takes it back, and healing would cut it short.
Status await_release(cluster::Node& node,
                     const InjectRequest& request,
                     Deadline deadline,
                     std::stop_token stop) {
  const auto look = [&]() -> Result<Observation> {
    const auto lines =
        node.guard("status", Json{{"cluster", request.arm.cluster}}, deadline.at_most(kHealLimit));
    if (!lines) {
      return Observation{.done = false, .seen = lines.error().message()};
    }
    for (const Json& line : *lines) {
      if (json_string(line, "id") == request.arm.id && json_string(line, "type") == "record") {
        const std::string state = json_string(line, "state");
        return Observation{.done = state != "APPLIED", .seen = state};
      }
    }
    return Observation{.done = true, .seen = "no such record"};
  };
  return eventually(fmt::format("{} on {} is taken back", request.fault.describe(), node.name()),
                    deadline,
                    kHoldPeriod,
                    look,
                    std::move(stop));
}

void tell(const InjectRequest& request, Step step) {
  if (request.tell) {
    request.tell(step);
  }
}

// What was cut, and that it is on again; a harm without that is an error whatever the record says.
void add_power(PowerCut& power, Result<Outcome>& outcome) {
  auto cut = power.finish();
  if (!cut) {
    outcome = fail(std::move(cut).error());
  } else if (*cut && outcome) {
    outcome->evidence += "; " + **cut;
    outcome->record["power"] = **cut;
  }
}

}  // namespace

std::string_view to_string(Step step) {
  switch (step) {
    case Step::begun:
      return "begun";
    case Step::checked:
      return "checked";
    case Step::armed:
      return "armed";
    case Step::known:
      return "outcome known";
    case Step::taken_back:
      return "taken back";
    case Step::healed:
      return "healed";
  }
  return "?";
}

std::chrono::milliseconds time_for(const Fault& fault) {
  return kAroundTheFault + std::chrono::milliseconds(json_int(fault.action, "hold_ms"));
}

Status preflight(const observe::Access& access,
                 cluster::Node& target,
                 const InjectRequest& request,
                 Deadline deadline) {
  const std::string what = fmt::format("{} on {}", request.fault.describe(), target.name());
  if (!request.expendable && !request.fault.needs.harmless) {
    return fail(ErrorCode::refused,
                fmt::format("{}: cluster {} is not marked `expendable: true` in the inventory",
                            what,
                            access.cluster()));
  }
  if (request.fault.needs.power && !request.power) {
    return fail(
        ErrorCode::not_supported,
        fmt::format("{}: the inventory has no `power`, which says how (inventories/README.md)",
                    what));
  }
  TRY(check_allowed(target, access.cluster(), deadline), what);
  TRY(check_budget(access, target, request.fault, request.budget, deadline), "budget");
  return {};
}

Result<Injected> inject(const observe::Access& access,
                        cluster::Node& target,
                        const InjectRequest& request,
                        const observe::Sink& sink,
                        Deadline deadline,
                        std::stop_token stop) {
  tell(request, Step::begun);
  TRY(preflight(access, target, request, deadline), "preflight");
  ArmRequest asked = request.arm;
  TRY_ASSIGN(asked.addresses, peer_addresses(access, target, request.fault, deadline), "preflight");
  Injected injected{.outcome = fail(ErrorCode::internal, "not awaited"), .healed = {}};
  TRY_ASSIGN(const std::unique_ptr<PowerCut> power,
             PowerCut::of(request.fault,
                          target,
                          request.power,
                          {.cluster = access.cluster(), .id = asked.id, .run = asked.run},
                          sink,
                          deadline),
             "preflight");
  tell(request, Step::checked);
  {
    const Heartbeat heartbeat({&target}, access.cluster(), request.arm.lease / kBeatsPerLease);
    const Status armed = arm(target, request.fault, asked, deadline);
    if (power && armed) {
      power->begin();
    }
    if (armed) {
      tell(request, Step::armed);
    }
    injected.outcome = armed ? await(target, access.cluster(), request.arm.id, sink, deadline, stop)
                             : Result<Outcome>(fail(armed.error()));
    if (injected.outcome) {
      tell(request, Step::known);
    }
    if (injected.outcome && injected.outcome->outcome == "applied" &&
        request.fault.action.contains("hold_ms")) {
      if (Status over = await_release(target, request, deadline, stop); !over) {
        injected.outcome = fail(std::move(over).error());
      } else {
        tell(request, Step::taken_back);
      }
    }
    if (power) {
      add_power(*power, injected.outcome);
    }
  }
  injected.healed =
      heal(access.nodes(), access.cluster(), request.arm.run, sink, Deadline::after(kHealLimit));
  tell(request, Step::healed);
  return injected;
}

}  // namespace harness::fault
