#include "harness/run/strikes.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/eventually.h"
#include "harness/base/seed.h"
#include "harness/fault/peers.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kTimeToLive = minutes(20);
// After a boot the node must reach its window before anybody can talk to it.
constexpr std::chrono::milliseconds kLease{15'000};
constexpr std::chrono::milliseconds kLeaseAfterBoot{120'000};
constexpr auto kArmLimit = minutes(1);
constexpr auto kEndLimit = seconds(90);
constexpr auto kHealLimit = minutes(3);

bool lasting(const fault::Fault& fault) {
  return json_int(fault.action, "hold_ms") > 0;
}

}  // namespace

std::string record_id(const std::string& run_id, const plan::Case& cell, int trial) {
  return fmt::format(
      "h-{:08x}-{}", static_cast<std::uint32_t>(stable_hash(run_id + "/" + cell.name)), trial);
}

Strikes::Strikes(
    Site site, const plan::Case& cell, const plan::Shot& shot, int trial, observe::Sink sink)
    : site_(std::move(site)), cell_(cell), shot_(shot), trial_(trial), sink_(std::move(sink)) {}

std::string Strikes::record_of(std::size_t companion) const {
  return fmt::format("{}-{}",
                     record_id(site_.run_id, cell_, trial_),
                     static_cast<char>('b' + static_cast<char>(companion)));
}

const aim::Anchor& Strikes::anchor_of(std::size_t companion) const {
  return companion < shot_.companions.size() ? shot_.companions[companion]
                                             : cell_.companions[companion].shot.anchor;
}

Json Strikes::companions() const {
  Json out = Json::array();
  for (std::size_t i = 0; i < cell_.companions.size(); ++i) {
    const plan::Companion& one = cell_.companions[i];
    Json told = {{"record", record_of(i)},
                 {"fault", one.fault},
                 {"params", one.params},
                 {"window", one.window.name},
                 {"aim", aim::to_string(one.shot.aim)},
                 {"where", aim::to_string(one.shot.aim.where)},
                 {"anchor", plan::to_json(anchor_of(i))},
                 {"target", one.target},
                 {"after", one.after_previous ? "previous" : "nothing"},
                 {"boot", one.next_boot ? "next" : "same"}};
    if (one.seen.elsewhere()) {
      told["while"] = one.seen.node;
    }
    out.push_back(std::move(told));
  }
  return out;
}

Status Strikes::prepare() {
  TRY_ASSIGN(cluster::Node * target, site_.cluster.node(cell_.target), "target");
  TRY_ASSIGN(fault::Fault first, fault::make_fault(cell_.fault, cell_.params), "fault");
  if (first.needs.harmless) {
    return {};
  }
  all_.push_back({.fault = std::move(first),
                  .node = target,
                  .anchor = shot_.anchor,
                  .record = record_id(site_.run_id, cell_, trial_)});
  TRY(look_out(all_.back(), cell_.seen, cell_.window.name, shot_.aim), "while");
  for (std::size_t i = 0; i < cell_.companions.size(); ++i) {
    const plan::Companion& more = cell_.companions[i];
    TRY_ASSIGN(cluster::Node * node, site_.cluster.node(more.target), "target");
    TRY_ASSIGN(fault::Fault made, fault::make_fault(more.fault, more.params), "fault");
    all_.push_back({.fault = std::move(made),
                    .node = node,
                    .anchor = anchor_of(i),
                    .record = record_of(i),
                    .after_previous = more.after_previous,
                    .next_boot = more.next_boot});
    TRY(look_out(all_.back(), more.seen, more.window.name, more.shot.aim), "while");
  }
  return {};
}

Status Strikes::look_out(One& one,
                         const plan::Seen& seen,
                         const std::string& window,
                         const aim::Aim& aim) {
  if (!seen.elsewhere()) {
    return {};
  }
  TRY_ASSIGN(cluster::Node * node, site_.cluster.node(seen.node), "");
  one.lookout = std::make_unique<Lookout>(
      *one.node,
      *node,
      Lookout::Order{
          .cluster = site_.cluster.name(), .id = one.record, .window = window, .aim = aim},
      sink_);
  return {};
}

void Strikes::saw(const Json& event) {
  for (const One& one : all_) {
    if (one.lookout) {
      one.lookout->saw(event);
    }
  }
}

std::vector<cluster::Node*> Strikes::nodes() const {
  std::vector<cluster::Node*> out;
  for (const One& one : all_) {
    if (std::ranges::find(out, one.node) == out.end()) {
      out.push_back(one.node);
    }
  }
  return out;
}

std::vector<const cluster::Node*> Strikes::starting() const {
  std::vector<const cluster::Node*> out;
  const std::vector<cluster::Node*> hurt = nodes();
  for (const One& one : all_) {
    const bool harms = one.fault.needs.etcd_voters > 0 || one.fault.needs.servers_down > 0;
    if (!one.lookout || !harms || !one.node->is_server()) {
      continue;
    }
    const cluster::Node* seen = &one.lookout->seen();
    if (seen->is_server() && std::ranges::find(hurt, seen) == hurt.end() &&
        std::ranges::find(out, seen) == out.end()) {
      out.push_back(seen);
    }
  }
  return out;
}

// The budget is asked for all of them at once, as if they fell together: per node what its worst
// fault needs, and the nodes added up.
Status Strikes::check(Deadline deadline) {
  fault::Fault together = all_.front().fault;
  together.needs = {};
  for (cluster::Node* node : nodes()) {
    TRY(fault::check_allowed(*node, site_.cluster.name(), deadline), "preflight");
    fault::Needs needs;
    for (const One& one : all_) {
      if (one.node == node) {
        needs.etcd_voters = std::max(needs.etcd_voters, one.fault.needs.etcd_voters);
        needs.servers_down = std::max(needs.servers_down, one.fault.needs.servers_down);
      }
    }
    together.needs.etcd_voters += needs.etcd_voters;
    together.needs.servers_down += needs.servers_down;
  }
  // A server that starts is none that carries the rest meanwhile.
  const int more = static_cast<int>(starting().size());
  together.needs.etcd_voters += more;
  together.needs.servers_down += more;
  for (One& one : all_) {
    TRY_ASSIGN(one.addresses,
               fault::peer_addresses(site_.access, *one.node, one.fault, deadline),
               "preflight");
  }
  const auto server =
      std::ranges::find_if(all_, [](const One& one) { return one.node->is_server(); });
  if (server == all_.end()) {
    return {};
  }
  return fault::check_budget(
      site_.access, *server->node, together, {.servers_down = cell_.budget.servers_down}, deadline);
}

Status Strikes::arm_one(One& one, Deadline deadline) {
  // The way back is noted before anything is armed.
  TRY_ASSIGN(
      one.power,
      fault::PowerCut::of(one.fault,
                          *one.node,
                          site_.power,
                          {.cluster = site_.cluster.name(), .id = one.record, .run = site_.run_id},
                          sink_,
                          deadline),
      one.fault.describe());
  {
    const std::lock_guard held(mutex_);
    one.armed = true;  // also when the answer is lost: then it may be there
  }
  TRY(fault::arm(*one.node,
                 one.fault,
                 {.id = one.record,
                  .run = site_.run_id,
                  .case_name = cell_.name,
                  .cluster = site_.cluster.name(),
                  .trigger = {.window = event::WindowDef{.name = one.anchor.marker_of,
                                                         .open = one.anchor.open,
                                                         .close = one.anchor.close,
                                                         .description = {}},
                              .offset = one.anchor.offset,
                              .any_invocation = one.after_previous,
                              .next_boot = one.next_boot,
                              .at_word = one.lookout != nullptr},
                  .ttl = std::chrono::duration_cast<std::chrono::milliseconds>(kTimeToLive),
                  .lease = one.next_boot ? kLeaseAfterBoot : kLease,
                  .may_fill_root = site_.may_fill_root,
                  .addresses = one.addresses},
                 deadline),
      "");
  if (one.power) {
    one.power->begin();
  }
  return one.lookout ? one.lookout->begin(deadline) : Status();
}

Status Strikes::arm() {
  if (all_.empty()) {
    return {};
  }
  const Deadline deadline = Deadline::after(kArmLimit);
  TRY(check(deadline), "preflight");
  heartbeat_ = std::make_unique<fault::Heartbeat>(nodes(), site_.cluster.name(), seconds(3));
  for (One& one : all_) {
    if (one.after_previous) {
      continue;
    }
    Status armed = arm_one(one, deadline);
    if (!armed && armed.error().code() == ErrorCode::not_supported) {
      tell(one, "unsupported", armed.error().message());
    }
    TRY(std::move(armed), "arm");
  }
  if (std::ranges::any_of(all_, &One::after_previous)) {
    in_turn_ = std::jthread([this](const std::stop_token& over) { arm_in_turn(over); });
  }
  return {};
}

// Each waits for the one before it: applied, and where it lasts, taken back and verified.
void Strikes::arm_in_turn(const std::stop_token& over) {
  for (std::size_t i = 1; i < all_.size(); ++i) {
    One& one = all_[i];
    const One& previous = all_[i - 1];
    if (!one.after_previous) {
      continue;
    }
    const auto armed = [&]() -> Status {
      if (!previous.armed) {
        return fail(ErrorCode::refused, "the fault before it was never armed");
      }
      TRY_ASSIGN(const fault::Outcome earlier,
                 fault::await(*previous.node,
                              site_.cluster.name(),
                              previous.record,
                              {},
                              Deadline::after(kTimeToLive),
                              over),
                 "await " + previous.record);
      if (earlier.outcome != "applied") {
        return fail(ErrorCode::refused,
                    fmt::format("the fault before it was {}: {}", earlier.outcome, earlier.reason));
      }
      if (lasting(previous.fault)) {
        TRY(fault::await_undone(*previous.node,
                                site_.cluster.name(),
                                previous.record,
                                Deadline::after(kTimeToLive),
                                over),
            "await the undo of " + previous.record);
      }
      return arm_one(one, Deadline::after(kArmLimit));
    }();
    if (!armed) {
      const std::lock_guard held(mutex_);
      one.never = over.stop_requested() ? "the step was over before its turn came"
                                        : armed.error().message();
    }
  }
}

void Strikes::tell(const One& one, const char* outcome, const std::string& reason) {
  sink_({{"type", "fault"},
         {"node", one.node->name()},
         {"id", one.record},
         {"outcome", outcome},
         {"state", "NOT ARMED"},
         {"reason", reason}});
}

Result<fault::Outcome> Strikes::outcome_of(const One& one) {
  std::string never;
  {
    const std::lock_guard held(mutex_);
    never = one.armed || !one.never.empty() ? one.never : "its turn never came";
  }
  if (never.empty()) {
    return fault::await_window(
        *one.node, site_.cluster.name(), one.record, sink_, Deadline::after(kEndLimit), site_.stop);
  }
  tell(one, "missed", never);
  return fault::Outcome{
      .outcome = "missed", .state = "NOT ARMED", .reason = never, .evidence = {}, .record = {}};
}

Result<std::string> Strikes::text_of(One& one) {
  if (one.lookout && one.armed) {
    if (std::string never = one.lookout->finish(); !never.empty()) {
      tell(one, "missed", never);
      return "missed: " + never;
    }
  }
  TRY_ASSIGN(const fault::Outcome outcome, outcome_of(one), one.node->name());
  std::string text =
      outcome.outcome == "applied" ? outcome.evidence : outcome.outcome + ": " + outcome.reason;
  if (one.power) {
    TRY_ASSIGN(const std::optional<std::string> cut, one.power->finish(), one.node->name());
    text += cut ? "; " + *cut : "";
  }
  return text;
}

Result<std::string> Strikes::await() {
  if (all_.empty()) {
    return "no fault";
  }
  std::vector<std::string> texts;
  for (One& one : all_) {
    if (one.after_previous && in_turn_.joinable()) {
      in_turn_.request_stop();
      in_turn_.join();
    }
    TRY_ASSIGN(std::string text, text_of(one), "await the fault");
    texts.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

void Strikes::end_waits() {
  for (const One& one : all_) {
    if (one.lookout) {
      static_cast<void>(one.lookout->finish());
    }
    if (one.power) {
      static_cast<void>(one.power->finish());
    }
  }
}

void Strikes::disarm() {
  in_turn_.request_stop();
  end_waits();
  {
    const std::lock_guard held(mutex_);
    if (std::ranges::none_of(all_, &One::armed)) {
      return;
    }
  }
  fault::heal(nodes(), site_.cluster.name(), site_.run_id, {}, Deadline::after(kHealLimit));
}

void Strikes::stop() {
  in_turn_.request_stop();
  if (in_turn_.joinable()) {
    in_turn_.join();
  }
  end_waits();
  heartbeat_.reset();
}

}  // namespace harness::run
