#include "harness/run/lookout.h"

#include <fmt/format.h>

#include "harness/base/log.h"
#include "harness/observe/node_stream.h"
#include "harness/observe/unit_state.h"

namespace harness::run {
namespace {

constexpr std::chrono::seconds kWordLimit{5};
constexpr std::chrono::seconds kClockLimit{5};

}  // namespace

Lookout::Lookout(cluster::Node& target, cluster::Node& seen, Order order, observe::Sink sink)
    : target_(target), seen_(seen), order_(std::move(order)), sink_(std::move(sink)) {}

Lookout::~Lookout() {
  static_cast<void>(finish());
}

// A node that does not answer is no error here: without both clocks nothing is proved, and the
// trial is a miss.
void Lookout::ask_clocks(Deadline deadline) {
  for (cluster::Node* node : {&target_, &seen_}) {
    auto facts = observe::node_facts(*node, order_.cluster, deadline);
    if (!facts) {
      log::debug("clock of {}: {}", node->name(), facts.error().message());
      continue;
    }
    if (node == &seen_) {
      const std::lock_guard held(mutex_);
      offset_us_ = json_int(*facts, "clock_offset_us");
    }
    sink_(*std::move(facts));
  }
}

Status Lookout::begin(Deadline deadline) {
  ask_clocks(deadline);
  TRY_ASSIGN(const observe::UnitState unit,
             observe::read_unit(seen_, deadline),
             "ask " + seen_.name() + " what runs now");
  {
    const std::lock_guard held(mutex_);
    baseline_ = unit.invocation;
    begun_ = true;
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  return {};
}

void Lookout::closed(const Json& event) {
  if (anchor_us_ == 0 || said_ || !lost_.empty()) {
    return;
  }
  lost_ = fmt::format("{} of {} closed after {}, before the word could be given for {}",
                      order_.window,
                      seen_.name(),
                      format_duration(Microseconds(json_int(event, "wall_us") - anchor_us_)),
                      aim::to_string(order_.aim));
}

void Lookout::saw(const Json& event) {
  if (json_string(event, "type") != "window" || json_string(event, "node") != seen_.name() ||
      json_string(event, "window") != order_.window) {
    return;
  }
  const std::lock_guard held(mutex_);
  if (!begun_ || json_string(event, "invocation") == baseline_) {
    return;
  }
  const bool opened = json_string(event, "op") == "opened";
  const bool after = order_.aim.where == aim::Aim::Where::after;
  if (anchor_us_ == 0 && opened != after && !(after && json_bool(event, "cut"))) {
    anchor_us_ = json_int(event, "wall_us");
    seen_us_ = wall_now_us();
  } else if (!after && !opened) {
    closed(event);
  }
  changed_.notify_all();
}

void Lookout::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return anchor_us_ != 0; })) {
    return;
  }
  // The marker is older than its news.
  const std::int64_t age = wall_now_us() - (anchor_us_ - offset_us_);
  const auto due = std::chrono::steady_clock::now() + order_.aim.distance -
                   Microseconds(std::max<std::int64_t>(age, 0));
  changed_.wait_until(lock, stop, due, [&] { return !lost_.empty(); });
  if (!lost_.empty() || stop.stop_requested()) {
    return;
  }
  said_ = true;
  const std::int64_t seen_us = seen_us_;
  const std::int64_t anchor_us = anchor_us_;
  lock.unlock();
  give_word(seen_us, anchor_us);
}

void Lookout::give_word(std::int64_t seen_us, std::int64_t anchor_us) {
  const std::int64_t said_us = wall_now_us();
  const auto said = target_.guard(
      "go", {{"cluster", order_.cluster}, {"id", order_.id}}, Deadline::after(kWordLimit));
  Json event = {{"type", "go"},
                {"node", target_.name()},
                {"id", order_.id},
                {"while", seen_.name()},
                {"window", order_.window},
                {"anchor_us", anchor_us},
                {"seen_us", seen_us},
                {"said_us", said_us},
                {"answered_us", wall_now_us()}};
  if (!said) {
    event["error"] = said.error().message();
  }
  sink_(std::move(event));
  ask_clocks(Deadline::after(kClockLimit));
}

std::string Lookout::finish() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  const std::lock_guard held(mutex_);
  if (said_) {
    // An answer that was lost may still have fired: the record on the node tells.
    return {};
  }
  return !lost_.empty() ? lost_
         : anchor_us_ == 0
             ? fmt::format("{} was never seen {} {}",
                           seen_.name(),
                           order_.aim.where == aim::Aim::Where::after ? "at the end of" : "in",
                           order_.window)
             : "the step was over before the word was due";
}

}  // namespace harness::run
