#include "harness/fault/inject.h"

#include <fmt/format.h>

namespace harness::fault {
namespace {

// A lease is renewed this many times before it would run out.
constexpr int kBeatsPerLease = 5;
// Healing has its own time: it must not fail because the fault took all of the caller's.
constexpr std::chrono::minutes kHealLimit{5};

}  // namespace

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
  TRY(preflight(access, target, request, deadline), "preflight");
  Injected injected{.outcome = fail(ErrorCode::internal, "not awaited"), .healed = {}};
  {
    const Heartbeat heartbeat({&target}, access.cluster(), request.arm.lease / kBeatsPerLease);
    const Status armed = arm(target, request.fault, request.arm, deadline);
    injected.outcome =
        armed ? await(target, access.cluster(), request.arm.id, sink, deadline, std::move(stop))
              : Result<Outcome>(fail(armed.error()));
  }
  injected.healed =
      heal(access.nodes(), access.cluster(), request.arm.run, sink, Deadline::after(kHealLimit));
  return injected;
}

}  // namespace harness::fault
