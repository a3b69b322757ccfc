#include "harness/run/trial.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "harness/base/restart.h"
#include "harness/observe/back_off.h"
#include "harness/observe/node_stream.h"
#include "harness/observe/probes.h"
#include "harness/observe/state.h"
#include "harness/run/diagnostics.h"
#include "harness/run/open_windows.h"
#include "harness/run/strikes.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kBaselineLimit = minutes(20);
constexpr auto kHealLimit = minutes(3);
constexpr auto kStateLimit = minutes(1);
constexpr auto kStepLimit = minutes(20);

void add_shot(Json& event, const plan::Shot& shot) {
  event["aim"] = aim::to_string(shot.aim);
  event["where"] = to_string(shot.aim.where);
  event["distance_us"] = shot.aim.distance.count();
  if (!shot.anchor.marker_of.empty()) {
    event["anchor"] = plan::to_json(shot.anchor);
  }
  if (shot.learned_us) {
    event["learned_us"] = *shot.learned_us;
  }
  if (!shot.why.empty()) {
    event["why"] = shot.why;
  }
  if (!shot.replays.empty()) {
    event["replays"] = shot.replays;
  }
  if (shot.original_us) {
    event["original_us"] = *shot.original_us;
  }
}

class Trial {
 public:
  Trial(const TrialContext& context, const plan::Case& cell, const plan::Shot& shot, int number)
      : context_(context),
        cell_(cell),
        shot_(shot),
        sink_(context.recorder.sink()),
        strikes_({context.cluster,
                  context.access,
                  context.run_id,
                  context.stop,
                  context.may_fill_root,
                  context.power},
                 cell,
                 shot,
                 number,
                 sink_) {
    const auto follow = [this](const plan::Seen& own, const event::WindowDef& window) {
      if (!window.name.empty()) {
        open_.follow(own.node, window.name);
      }
    };
    follow(cell.seen.or_own(cell.target, cell.on_server), cell.window);
    for (const plan::Companion& one : cell.companions) {
      follow(one.seen.or_own(one.target, one.on_server), one.window);
    }
  }

  TrialEnd run();

 private:
  Status baseline();
  Status observe();
  Status step();
  void disarm_when_stopped(const std::stop_token& over);
  Status not_stopped() const;
  void heal();
  void settle();
  void start_event();
  Status timed(const std::string& step, const std::function<Status()>& body);

  upgrade::Rollout rollout() const {
    return {.access = context_.access,
            .method = context_.method,
            .sink = sink_,
            .stop = context_.stop,
            .in_place = cell_.from == cell_.to,
            .by_reboot = cell_.by_reboot,
            .settle = context_.pace.settle};
  }

  const TrialContext& context_;
  const plan::Case& cell_;
  const plan::Shot& shot_;
  observe::Sink sink_;
  Strikes strikes_;
  OpenWindows open_;
  std::vector<std::unique_ptr<observe::NodeStream>> streams_;
  std::unique_ptr<observe::Probes> probes_;
  std::unique_ptr<observe::BackOffs> back_offs_;
  std::int64_t struck_us_ = 0;  // no fault falls later; 0: none was waited for
  TrialEnd end_;
};

Status Trial::timed(const std::string& step, const std::function<Status()>& body) {
  sink_({{"type", "step.started"}, {"step", step}});
  const auto started = std::chrono::steady_clock::now();
  const Status status = body();
  Json finished = {
      {"type", "step.finished"},
      {"step", step},
      {"ok", status.has_value()},
      {"duration_us",
       std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - started)
           .count()}};
  if (!status) {
    finished["error"] = status.error().message();
  }
  sink_(std::move(finished));
  return status;
}

void Trial::start_event() {
  Json nodes = Json::array();
  for (const cluster::Node* node : context_.cluster.nodes()) {
    nodes.push_back({{"name", node->name()}, {"address", node->address()}});
  }
  Json event = {{"type", "trial.started"},
                {"path", {cell_.from.tag(), cell_.to.tag()}},
                {"fault", cell_.fault},
                {"params", cell_.params},
                {"window", cell_.window.name},
                {"offset", aim::to_string(cell_.offset)},
                {"offset_us", shot_.anchor.offset.count()},
                {"target", cell_.target},
                {"nodes", nodes},
                {"expect", std::string(to_string(cell_.expect))},
                {"budget",
                 {{"servers_down", cell_.budget.servers_down},
                  {"apiserver_outage_us", cell_.budget.apiserver_outage.count()},
                  {"recovery_us", cell_.budget.recovery.count()}}}};
  put_by_reboot(event, cell_.by_reboot);
  if (cell_.seen.elsewhere()) {
    event["while"] = cell_.seen.node;
  }
  if (!cell_.companions.empty()) {
    event["companions"] = strikes_.companions();
  }
  add_shot(event, shot_);
  sink_(std::move(event));
}

Status Trial::baseline() {
  return upgrade::bring_to(rollout(), cell_.from, Deadline::after(kBaselineLimit));
}

Status Trial::observe() {
  for (cluster::Node* node : context_.cluster.nodes()) {
    streams_.push_back(std::make_unique<observe::NodeStream>(
        *node,
        observe::NodeStream::Options{.cluster = context_.cluster.name(),
                                     .windows = cell_.followed_on(node->name(), node->is_server())},
        [this](Json event) {
          strikes_.saw(event);
          open_.saw(event);
          sink_(std::move(event));
        }));
  }
  for (const auto& stream : streams_) {
    TRY(stream->wait_live(Deadline::after(seconds(30))), "observe");
  }
  observe::take_state(context_.access,
                      {.phase = observe::Phase::before, .expected = cell_.from},
                      sink_,
                      Deadline::after(kStateLimit));
  probes_ = std::make_unique<observe::Probes>(context_.access, context_.pace.probes, sink_);
  back_offs_ =
      std::make_unique<observe::BackOffs>(context_.access, observe::BackOffs::Options{}, sink_);
  return {};
}

Status Trial::step() {
  const Deadline deadline = Deadline::after(kStepLimit);
  const std::jthread disarm([this](const std::stop_token& over) { disarm_when_stopped(over); });
  TRY(upgrade::roll(rollout(), cell_.to, deadline), "upgrade");
  return {};
}

// A step may take minutes to come back; what is armed must not wait for it.
void Trial::disarm_when_stopped(const std::stop_token& over) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  // Before the lock: a stop that came already calls back at once, in this thread.
  const std::stop_callback wake(context_.stop, [&] {
    const std::lock_guard held(mutex);
    stopped.notify_all();
  });
  std::unique_lock lock(mutex);
  stopped.wait(lock, over, [&] { return context_.stop.stop_requested(); });
  if (!over.stop_requested()) {
    strikes_.disarm();
  }
}

Status Trial::not_stopped() const {
  if (context_.stop.stop_requested()) {
    return fail(ErrorCode::refused, "interrupted");
  }
  return {};
}

void Trial::heal() {
  const Status status = timed("heal", [&]() -> Status {
    strikes_.stop();
    const fault::HealReport report = fault::heal(context_.cluster.nodes(),
                                                 context_.cluster.name(),
                                                 context_.run_id,
                                                 sink_,
                                                 Deadline::after(kHealLimit));
    if (report.clean()) {
      return {};
    }
    return fail(ErrorCode::remote_failed, fmt::format("{}", fmt::join(report.dirty, "; ")));
  });
  if (!status) {
    end_.dirty = true;
    end_.dirty_reason = status.error().message();
  }
}

void Trial::settle() {
  const Deadline deadline = Deadline::after(cell_.budget.recovery + minutes(1));
  const auto settled = [&]() -> Status {
    upgrade::SettleOptions options = context_.pace.settle;
    options.wait_for_back_off = false;
    options.leases_since_us = struck_us_;
    TRY(upgrade::settle(context_.access, options, deadline, context_.stop), "after the fault");
    return {};
  };
  static_cast<void>(timed("settle", settled));
  if (!open_.open().empty() && !deadline.passed()) {
    static_cast<void>(timed("close", [&] { return open_.await_closed(deadline, context_.stop); }));
    static_cast<void>(timed("settle", settled));
  }
  if (!context_.trial_dir.empty()) {
    collect_diagnostics(context_.cluster, context_.trial_dir, Deadline::after(minutes(1)));
  }
  observe::take_state(context_.access,
                      {.phase = observe::Phase::after, .expected = cell_.to},
                      sink_,
                      Deadline::after(kStateLimit));
}

TrialEnd Trial::run() {
  start_event();
  const auto ready = [&]() -> Status {
    TRY(strikes_.prepare(), "trial");
    TRY(not_stopped(), "trial");
    TRY(baseline(), "node");
    return observe();
  }();
  Status went = ready ? not_stopped() : ready;
  if (went) {
    went = timed("arm", [&] { return strikes_.arm(); });
  }
  if (went) {
    went = not_stopped();
    went = went ? step() : went;
    const auto fired = strikes_.await();
    struck_us_ = wall_now_us();
    end_.reason = fired.value_or("");
    if (went && !fired) {
      went = fail(fired.error());
    }
  }
  heal();
  if (ready) {
    settle();
  }
  back_offs_.reset();
  probes_.reset();
  streams_.clear();
  if (!went) {
    end_.reason = went.error().message();
  }
  end_.complete = went.has_value();
  end_.interrupted = context_.stop.stop_requested();
  sink_({{"type", "trial.finished"},
         {"complete", end_.complete},
         {"interrupted", end_.interrupted},
         {"reason", end_.reason}});
  return end_;
}

}  // namespace

TrialEnd run_trial(const TrialContext& context,
                   const plan::Case& cell,
                   const plan::Shot& shot,
                   int trial) {
  return Trial(context, cell, shot, trial).run();
}

}  // namespace harness::run
