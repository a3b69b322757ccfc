#include "harness/guard/trigger.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "harness/guard/action.h"
#include "harness/guard/action_form.h"
#include "harness/guard/action_hold.h"
#include "harness/guard/endpoint_watch.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/journal_reader.h"
#include "harness/guard/pace.h"
#include "harness/guard/process_watch.h"
#include "harness/guard/signals.h"
#include "harness/guard/undo.h"
#include "harness/guard/unit_watch.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kPeriodUs = 1000;
constexpr int kLeaseCheckEvery = 100;
// In rounds: for a directory that is not there yet, and a bundle that is not whole yet. All else
// wakes the wait.
constexpr int kLookEvery = 4;

void notify_ready() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) {
    return;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  socklen_t length = sizeof address;
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  static_cast<void>(
      sendto(fd, "READY=1", 7, MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), length));
  close(fd);
}

void until(std::int64_t mono_us) {
  const timespec at{mono_us / 1'000'000, (mono_us % 1'000'000) * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

// The undo timer's service does it now rather than when its time is over.
void ask_for_undo(const std::string& id) {
  static_cast<void>(
      spawn({"systemctl", "start", "--no-block", fmt::format("hookshot-rv-{}.service", id)},
            std::chrono::seconds(10)));
}

class Watcher {
 public:
  Watcher(Store& store, RecordState state)
      : store_(store),
        state_(std::move(state)),
        logic_(state_.record.trigger, json_string(state_.progress, "baseline_invocation")),
        journal_({.unit = state_.record.unit}),
        manifests_(state_.record.data_dir) {}

  int run();

 private:
  int watch();
  int stay(int status);
  int fire();
  void tell_opening();
  int miss(const std::string& outcome, const std::string& reason);
  int applied(const Deed& deed);
  int hold();
  int kept(const Status& saved) const;

  // Ahead of the moment: systemd takes ten milliseconds to tell.
  void know_main() {
    const Action::Kind kind = state_.record.action.kind;
    if ((kind != Action::Kind::service && kind != Action::Kind::child &&
         kind != Action::Kind::slow) ||
        main_of_ == logic_.invocation()) {
      return;
    }
    main_of_ = logic_.invocation();
    const auto found = main_process(means_of(), state_.record.unit);
    main_ = found ? std::optional(Main{state_.record.unit, *found}) : std::nullopt;
  }

  bool lease_is_over() const {
    return heartbeat_age_ms(store_.places().run) > state_.record.lease.count();
  }

  Store& store_;
  RecordState state_;
  TriggerLogic logic_;
  JournalReader journal_;
  ManifestWatch manifests_;
  ContainerWatch containers_;
  Now seen_;
  std::unique_ptr<Standing> standing_;
  std::optional<Main> main_;
  std::string main_of_;  // the invocation that it was looked up in
};

int Watcher::run() {
  setpriority(PRIO_PROCESS, 0, -20);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  const auto ignore = [](const Json&) {};
  containers_.poll(true, ignore);
  manifests_.poll(false, ignore);
  if (state_.record.trigger.now) {
    notify_ready();
    seen_ = now();
    return stay(fire());
  }
  if (const Status started = journal_.start(INT64_MAX); !started) {
    return miss("expired", started.error().message());
  }
  notify_ready();
  return stay(watch());
}

// What was done is taken back when the controller is gone, not only when the record's time is over.
int Watcher::stay(int status) {
  while (json_string(state_.progress, "outcome") != "expired") {
    if (lease_is_over()) {
      ask_for_undo(state_.record.id);
      break;
    }
    if (store_.mirrored(state_.record.id)) {
      static_cast<void>(store_.fold(state_.record.id));
    }
    const std::int64_t at = now().mono_us;
    std::int64_t next = at + kLeaseCheckEvery * kPeriodUs;
    if (state_.record.action.hold.count() > 0 && state_.state() == "APPLIED") {
      const std::int64_t over =
          json_int(state_.progress["effect"], "mono_us") + state_.record.action.hold.count() * 1000;
      if (at >= over) {
        ask_for_undo(state_.record.id);
        break;
      }
      next = std::min(next, over);
      next = standing_ ? std::min(next, standing_->step(at)) : next;
    }
    until(next);
  }
  return status;
}

int Watcher::watch() {
  TriggerLogic::Verdict verdict = TriggerLogic::Verdict::wait;
  const auto judge = [&](const Json& fact) {
    if (verdict == TriggerLogic::Verdict::missed) {
      return;
    }
    const bool was_open = logic_.opened();
    verdict = logic_.feed(fact);
    if (logic_.opened() && !was_open) {
      seen_ = now();
    }
  };
  // Only a window that needs them pays for these two.
  std::optional<UnitWatch> unit;
  std::optional<ProcessWatch> processes;
  const Trigger& trigger = state_.record.trigger;
  const auto names = [&](event::Marker::Kind kind) {
    const auto of_kind = [&](const event::Marker& marker) { return marker.kind == kind; };
    return std::ranges::any_of(trigger.open, of_kind) ||
           std::ranges::any_of(trigger.close, of_kind);
  };
  if (names(event::Marker::Kind::unit)) {
    unit.emplace(state_.record.unit);
  }
  if (names(event::Marker::Kind::process)) {
    processes.emplace(ProcessWatch::Options{.unit = state_.record.unit, .cgroups = {}});
  }
  std::vector<event::Marker> markers = trigger.open;
  markers.insert(markers.end(), trigger.close.begin(), trigger.close.end());
  EndpointWatch endpoints({.markers = std::move(markers)});
  const auto hear = [&](const Json& fact) {
    if (unit && json_string(fact, "ident") == "systemd") {
      unit->news();
    }
    judge(fact);
  };
  std::vector<pollfd> watched;
  const auto wait = [&](std::int64_t until_us) {
    watched.clear();
    watched.push_back({manifests_.fd(), POLLIN, 0});
    containers_.wait_on(watched);
    endpoints.wait_on(watched);
    if (unit) {
      unit->wait_on(watched);
    }
    if (processes) {
      processes->wait_on(watched);
    }
    return ready_before(watched, until_us);
  };
  bool woken = true;
  for (int round = 0;; ++round) {
    journal_.poll(hear);
    know_main();
    if (unit) {
      unit->poll(judge);
    }
    if (processes) {
      processes->poll(judge);
    }
    endpoints.poll(judge);
    if (woken || round % kLookEvery == 0) {
      manifests_.poll(false, judge);
      containers_.poll(false, judge);
    }
    if (verdict == TriggerLogic::Verdict::missed) {
      return miss("missed", logic_.reason());
    }
    if (trigger.go && raised(store_.places().run, Signal::go, state_.record.id)) {
      seen_ = now();
      return fire();
    }
    const std::int64_t at = now().mono_us;
    if (logic_.opened() && at >= logic_.fire_at_mono_us()) {
      return fire();
    }
    if (round % kLeaseCheckEvery == 0 && lease_is_over()) {
      return miss("expired",
                  fmt::format("the controller's lease of {} ms ran out before {}",
                              state_.record.lease.count(),
                              trigger.go ? "it gave the word" : "the window opened"));
    }
    woken =
        wait(logic_.opened() ? std::min(at + kPeriodUs, logic_.fire_at_mono_us()) : at + kPeriodUs);
  }
}

int Watcher::miss(const std::string& outcome, const std::string& reason) {
  state_.progress["outcome"] = outcome;
  state_.progress["reason"] = reason;
  tell_opening();
  state_.progress["state"] = outcome == "expired" ? "EXPIRED" : "MISSED";
  const Status saved = store_.save(state_);
  audit(fmt::format("did not fire {} ({}): {}", state_.record.id, state_.record.fault, reason));
  if (outcome == "expired") {
    ask_for_undo(state_.record.id);
  }
  return kept(saved);
}

int Watcher::kept(const Status& saved) const {
  if (!saved) {
    audit(fmt::format(
        "what became of {} is not kept: {}", state_.record.id, saved.error().message()));
  }
  return saved ? 0 : 1;
}

void Watcher::tell_opening() {
  state_.progress["invocation"] = logic_.invocation();
  if (logic_.opened()) {
    state_.progress["opened"] = {{"mono_us", logic_.opened_mono_us()},
                                 {"wall_us", logic_.opened_wall_us()}};
    state_.progress["seen"] = to_json(seen_);
  }
}

int Watcher::fire() {
  tell_opening();
  if (state_.record.trigger.now) {
    state_.progress["seen"] = to_json(seen_);
  }
  switch (state_.record.action.kind) {
    case Action::Kind::kill: {
      state_.progress["state"] = "APPLYING";
      state_.progress["begun"] = to_json(now());
      if (const Status noted = store_.note(state_); !noted) {
        return miss("missed", noted.error().message());
      }
      const auto deed = kill_container(state_.record, containers_);
      return deed ? applied(*deed) : miss("missed", deed.error().message());
    }
    case Action::Kind::reboot: {
      audit(fmt::format("firing {} ({})", state_.record.id, state_.record.fault));
      const Error problem = reboot(store_, state_);
      return miss(problem.code() == ErrorCode::not_supported ? "unsupported" : "missed",
                  problem.message());
    }
    case Action::Kind::none: {
      const Now stamp = now();
      return applied({stamp, stamp, {{"summary", "nothing was done, as asked"}}});
    }
    default:
      return hold();
  }
}

// The way back is in the record before the harm, and the harm is taken back at once when it is not
// proved.
int Watcher::hold() {
  state_.progress["state"] = "APPLYING";
  state_.progress["begun"] = to_json(now());
  if (const Status noted = store_.note(state_); !noted) {
    return miss("missed", noted.error().message());
  }
  const bool durable = survives_reboot(state_.record.action);
  Means means = means_of(
      [this, durable](const Json& held) {
        state_.progress["held"] = held;
        return durable ? store_.commit(state_) : store_.note(state_);
      },
      store_.before_of(state_.record.id));
  means.known = main_;
  auto struck = strike(state_.record, containers_, means);
  if (struck) {
    standing_ = std::move(struck->standing);
    return applied(struck->deed);
  }
  const auto released = release(state_.progress.value("held", Json()), means);
  return miss(struck.error().code() == ErrorCode::not_supported ? "unsupported" : "missed",
              struck.error().message() + (released ? "" : "; " + released.error().message()));
}

int Watcher::applied(const Deed& deed) {
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

}  // namespace

bool TriggerLogic::eligible() const {
  return !invocation_.empty() && (trigger_.any_invocation || invocation_ != baseline_);
}

TriggerLogic::Verdict TriggerLogic::feed(const Json& fact) {
  const std::string invocation =
      json_string(fact, "type") == "journal" ? json_string(fact, "invocation") : "";
  if (!invocation.empty() && invocation != invocation_) {
    if (opened()) {
      reason_ = "the service began a new invocation while the window was open and before the fault";
      return Verdict::missed;
    }
    invocation_ = invocation;
  }
  const auto any = [&](const std::vector<event::Marker>& markers) {
    return std::ranges::any_of(
        markers, [&](const event::Marker& marker) { return event::matches(marker, fact); });
  };
  if (!opened()) {
    if (eligible() && any(trigger_.open)) {
      opened_mono_us_ = json_int(fact, "mono_us");
      opened_wall_us_ = json_int(fact, "wall_us");
      return Verdict::armed;
    }
    return Verdict::wait;
  }
  if (any(trigger_.close)) {
    const std::int64_t length = json_int(fact, "mono_us") - opened_mono_us_;
    reason_ = length <= trigger_.offset.count()
                  ? fmt::format("the window closed after {} us, before the offset of {} us",
                                length,
                                trigger_.offset.count())
                  : fmt::format(
                        "the window closed after {} us, which was read before the fault of "
                        "offset {} us could fire",
                        length,
                        trigger_.offset.count());
    return Verdict::missed;
  }
  return Verdict::armed;
}

std::string current_invocation(const std::string& unit) {
  const auto shown = spawn({"systemctl", "show", "--property=InvocationID", "--value", unit},
                           std::chrono::seconds(10));
  return shown && shown->ok() ? shown->out.substr(0, shown->out.find('\n')) : "";
}

std::int64_t heartbeat_age_ms(const std::string& run) {
  const auto text = read_whole(run + "/heartbeat", 64);
  return (now().mono_us - (text ? std::atoll(text->c_str()) : 0)) / 1000;
}

Status beat(const std::string& run) {
  TRY(make_dir(run), "heartbeat");
  return write_whole(run + "/heartbeat", std::to_string(now().mono_us), Sync::later);
}

int run_trigger(Store& store, const std::string& id) {
  auto state = store.load(id);
  if (!state) {
    std::fprintf(stderr, "guard: %s\n", state.error().message().c_str());
    return 1;
  }
  if (!state->record.trigger.any_invocation && !state->progress.contains("baseline_invocation")) {
    state->progress["baseline_invocation"] = current_invocation(state->record.unit);
  }
  return Watcher(store, *std::move(state)).run();
}

}  // namespace harness::guard
