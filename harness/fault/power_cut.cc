#include "harness/fault/power_cut.h"

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/cluster/facts.h"

namespace harness::fault {
namespace {

using std::chrono::seconds;

constexpr seconds kOffWithin{60};
constexpr seconds kOnWithin{120};
constexpr seconds kAskLimit{10};
constexpr std::chrono::milliseconds kOneRead{200};
constexpr std::chrono::milliseconds kBetweenAttempts{100};

std::string ms(std::int64_t us) {
  return fmt::format("{:.1f} ms", static_cast<double>(us) / 1000);
}

}  // namespace

Result<std::unique_ptr<PowerCut>> PowerCut::of(const Fault& fault,
                                               cluster::Node& node,
                                               const std::optional<PowerMeans>& means,
                                               Order order,
                                               observe::Sink sink,
                                               Deadline deadline) {
  if (!fault.needs.power) {
    return nullptr;
  }
  if (!means) {
    return fail(ErrorCode::not_supported,
                "the inventory has no `power`, which says how (inventories/README.md)");
  }
  auto out = std::make_unique<PowerCut>(node, *means, std::move(order), std::move(sink));
  TRY(out->prepare(deadline), "");
  return out;
}

PowerCut::PowerCut(cluster::Node& node, PowerMeans means, Order order, observe::Sink sink)
    : node_(node), means_(means), order_(std::move(order)), sink_(std::move(sink)) {}

PowerCut::~PowerCut() {
  static_cast<void>(finish());
}

Status PowerCut::prepare(Deadline deadline) {
  const power::Node who{node_.name(), node_.address()};
  TRY_ASSIGN(const power::State found, means_.control.state(who, deadline), "power");
  if (found != power::State::on) {
    return fail(ErrorCode::refused,
                fmt::format("`power.state` says that {} is off, and it answers: the command asks "
                            "about something else",
                            node_.name()));
  }
  TRY_ASSIGN(const cluster::NodeFacts facts,
             cluster::ask_facts(node_, order_.cluster, deadline),
             "ask " + node_.name());
  offset_ = facts.clock_offset;
  error_ = facts.clock_error;
  TRY_ASSIGN(
      noted_,
      means_.ledger.note(
          {.node = node_.name(), .id = order_.id, .run = order_.run, .noted_us = wall_now_us()}),
      "note that the power is to be cut");
  return {};
}

void PowerCut::begin() {
  thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
}

// The word of the trigger is on the node's disk as long as it is up: a stream that was cut off is
// opened again.
void PowerCut::follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto stream = node_.connected()
                      ? node_.guard_stream("moment",
                                           {{"cluster", order_.cluster}, {"id", order_.id}},
                                           Deadline::after(kAskLimit))
                      : Result<std::unique_ptr<cluster::LineStream>>(
                            fail(ErrorCode::unreachable, node_.name() + " is not connected"));
    while (stream && !stop.stop_requested()) {
      auto line = (*stream)->next(Deadline::after(kOneRead));
      if (!line) {
        stream = fail(line.error());
      } else if (*line && json_string(**line, "type") == "moment") {
        cut(**line, wall_now_us());
        return;
      }
    }
    if (paced(kBetweenAttempts, stop)) {
      return;
    }
  }
}

void PowerCut::cut(const Json& moment, std::int64_t told_us) {
  const power::Node who{node_.name(), node_.address()};
  const auto off = means_.control.bring(who, power::State::off, Deadline::after(kOffWithin));
  // Whatever became of it, the way back is gone.
  const auto on = means_.control.bring(who, power::State::on, Deadline::after(kOnWithin));
  Json event = {{"id", order_.id},
                {"asked_node_us", json_int(moment, "wall_us")},
                {"asked_node_mono_us", json_int(moment, "mono_us")},
                {"told_us", told_us},
                {"clock_offset_us", offset_.count()},
                {"clock_error_us", error_.count()},
                {"off", off ? off->to_json() : Json{{"error", off.error().message()}}},
                {"on", on ? on->to_json() : Json{{"error", on.error().message()}}}};
  Status problem;
  if (!off) {
    problem = fail(off.error(), "cut the power of " + node_.name());
  }
  if (!on) {
    problem = fail(on.error().code(),
                   fmt::format("{} may be WITHOUT POWER: {}; `hookshot heal` tries again, or run "
                               "`{}`",
                               node_.name(),
                               on.error().message(),
                               means_.control.shown(who, power::State::on)));
  } else if (Status forgotten = means_.ledger.forget(node_.name()); !forgotten) {
    problem = std::move(forgotten);
  }
  if (off) {
    const std::int64_t begun = off->begun_us + offset_.count();
    const std::int64_t gone = off->seen_us + offset_.count();
    event["begun_node_us"] = begun;
    event["gone_node_us"] = gone;
    event["summary"] = fmt::format(
        "`{}` began {} after the node's moment and the power was seen off {} later, give or take {}"
        " of the clocks",
        off->command,
        ms(begun - json_int(moment, "wall_us")),
        ms(gone - begun),
        ms(error_.count()));
  }
  const std::lock_guard held(mutex_);
  summary_ = json_string(event, "summary");
  problem_ = std::move(problem);
  note(std::move(event));
}

void PowerCut::note(Json event) {
  if (sink_) {
    event["type"] = "power";
    event["node"] = node_.name();
    sink_(std::move(event));
  }
}

Result<std::optional<std::string>> PowerCut::finish() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  const std::lock_guard held(mutex_);
  if (!summary_ && noted_) {
    TRY(means_.ledger.forget(node_.name()), "power");
  }
  noted_.reset();
  if (!problem_) {
    return fail(problem_.error());
  }
  return summary_;
}

}  // namespace harness::fault
