#include "harness/guard/firing.h"

#include <fmt/format.h>

#include "harness/guard/action_form.h"
#include "harness/guard/notify.h"
#include "harness/guard/undo_units.h"

namespace harness::guard {

void Firing::look_ahead(const std::string& invocation) {
  const Action::Kind kind = state_.record.action.kind;
  if ((kind != Action::Kind::service && kind != Action::Kind::child &&
       kind != Action::Kind::slow) ||
      main_of_ == invocation) {
    return;
  }
  main_of_ = invocation;
  const auto found = main_process(means_of(), state_.record.unit);
  main_ = found ? std::optional(Main{state_.record.unit, *found}) : std::nullopt;
}

int Firing::miss(const Opening& opening, const std::string& outcome, const std::string& reason) {
  tell(opening);
  return not_done(outcome, reason);
}

int Firing::not_done(const std::string& outcome, const std::string& reason) {
  state_.progress["outcome"] = outcome;
  state_.progress["reason"] = reason;
  state_.progress["state"] = outcome == "expired" ? "EXPIRED" : "MISSED";
  const Status saved = store_.save(state_);
  audit(fmt::format("did not fire {} ({}): {}", state_.record.id, state_.record.fault, reason));
  const bool asked = outcome != "expired" || ask_for_undo(state_.record.id);
  const int status = kept(saved);
  return asked ? status : 1;
}

int Firing::kept(const Status& saved) const {
  if (!saved) {
    audit(fmt::format(
        "what became of {} is not kept: {}", state_.record.id, saved.error().message()));
  }
  return saved ? 0 : 1;
}

void Firing::tell(const Opening& opening) {
  state_.progress["invocation"] = opening.invocation;
  if (opening.mono_us != 0) {
    state_.progress["opened"] = {{"mono_us", opening.mono_us}, {"wall_us", opening.wall_us}};
  }
  if (opening.mono_us != 0 || state_.record.trigger.now) {
    state_.progress["seen"] = to_json(opening.seen);
  }
}

int Firing::fire(const Opening& opening) {
  tell(opening);
  if (store_.quarantined()) {
    return not_done("missed", kInQuarantine);
  }
  switch (state_.record.action.kind) {
    case Action::Kind::kill: {
      if (const Status noted = begin(); !noted) {
        return not_done("missed", noted.error().message());
      }
      const auto deed = kill_container(state_.record, containers_);
      return deed ? applied(*deed)
                  : not_done(
                        deed.error().code() == ErrorCode::not_supported ? "unsupported" : "missed",
                        deed.error().message());
    }
    case Action::Kind::reboot: {
      audit(fmt::format("firing {} ({})", state_.record.id, state_.record.fault));
      const Error problem = reboot(store_, state_);
      return not_done(problem.code() == ErrorCode::not_supported ? "unsupported" : "missed",
                      problem.message());
    }
    case Action::Kind::none: {
      const Now stamp = now();
      return applied({stamp, stamp, {{"summary", "nothing was done, as asked"}}});
    }
    default:
      return strike_and_hold();
  }
}

Status Firing::begin() {
  state_.progress["state"] = "APPLYING";
  state_.progress["begun"] = to_json(now());
  return store_.note(state_);
}

// The way back is in the record before the harm, and the harm is taken back at once when it is not
// proved.
int Firing::strike_and_hold() {
  const auto& record = state_.record;
  ends_in(record.action.hold + kProvedWithin + kHangsAfter);
  if (const Status noted = begin(); !noted) {
    ends_in(record.ttl);
    return not_done("missed", noted.error().message());
  }
  const bool durable = survives_reboot(state_.record.action);
  Means means = means_of(
      [this, durable](const Json& held) {
        state_.progress["held"] = held;
        return durable ? store_.commit(state_) : store_.note(state_);
      },
      store_.before_of(record.id));
  means.known = main_;
  auto struck = strike(record, containers_, means);
  if (struck) {
    standing_ = std::move(struck->standing);
    return applied(struck->deed);
  }
  const auto released = release(state_.progress.value("held", Json()), means);
  unreleased_ = !released;
  if (released) {
    ends_in(record.ttl);
  }
  return not_done(struck.error().code() == ErrorCode::not_supported ? "unsupported" : "missed",
                  struck.error().message() + (released ? "" : "; " + released.error().message()));
}

void Firing::ends_in(std::chrono::milliseconds after) const {
  if (state_.record.action.hold.count() > 0) {
    notify_end_after(after);
  }
}

int Firing::applied(const Deed& deed) {
  ends_in(state_.record.action.hold + kHangsAfter);
  state_.progress["begun"] = to_json(deed.begun);
  state_.progress["effect"] = to_json(deed.effect);
  state_.progress["evidence"] = deed.evidence;
  state_.progress["outcome"] = "applied";
  state_.progress["state"] = "APPLIED";
  const Status saved = store_.save(state_);
  audit(fmt::format("fired {} ({}): {}",
                    state_.record.id,
                    state_.record.fault,
                    json_string(deed.evidence, "summary")));
  return kept(saved);
}

}  // namespace harness::guard
