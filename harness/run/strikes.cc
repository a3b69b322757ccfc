#include "harness/run/strikes.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/seed.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kTurnLimit = minutes(20);
constexpr auto kArmLimit = minutes(1);
constexpr auto kHealLimit = minutes(3);

}  // namespace

std::string record_id(const std::string& run_id, const plan::Case& cell, int trial) {
  return fmt::format(
      "h-{:08x}-{}", static_cast<std::uint32_t>(stable_hash(run_id + "/" + cell.name)), trial);
}

Strikes::Strikes(
    StrikeSite site, const plan::Case& cell, const plan::Shot& shot, int trial, observe::Sink sink)
    : site_(std::move(site)), cell_(cell), shot_(shot), trial_(trial), sink_(std::move(sink)) {}

std::string Strikes::record_of(std::size_t companion) const {
  return fmt::format("{}-{}",
                     record_id(site_.run_id, cell_, trial_),
                     static_cast<char>('b' + static_cast<char>(companion)));
}

const plan::Shot& Strikes::shot_of(std::size_t companion) const {
  return companion < shot_.companions.size() ? shot_.companions[companion]
                                             : cell_.companions[companion].shot;
}

// What is armed in turn is armed in the boot that the one before it fell in.
bool Strikes::in_next_boot(const plan::Companion& one) const {
  return one.next_boot || (cell_.by_reboot && !one.after_previous);
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
                 {"distance_us", one.shot.aim.distance.count()},
                 {"anchor", plan::to_json(shot_of(i).anchor)},
                 {"target", one.target},
                 {"after", one.after_previous ? "previous" : "nothing"},
                 {"boot", in_next_boot(one) ? "next" : "same"}};
    if (one.seen.elsewhere()) {
      told["while"] = one.seen.node;
    }
    if (const auto original = shot_of(i).original_us) {
      told["original_us"] = *original;
    }
    out.push_back(std::move(told));
  }
  return out;
}

Status Strikes::prepare() {
  TRY(add({.record = record_id(site_.run_id, cell_, trial_),
           .case_name = cell_.name,
           .target = cell_.target,
           .fault = cell_.fault,
           .params = cell_.params,
           .anchor = shot_.anchor,
           .window = cell_.window.name,
           .aim = shot_.aim,
           .seen = cell_.seen,
           .next_boot = cell_.by_reboot}),
      "");
  if (all_.front()->fault().needs.harmless) {
    all_.clear();
    return {};
  }
  for (std::size_t i = 0; i < cell_.companions.size(); ++i) {
    const plan::Companion& more = cell_.companions[i];
    TRY(add({.record = record_of(i),
             .case_name = cell_.name,
             .target = more.target,
             .fault = more.fault,
             .params = more.params,
             .anchor = shot_of(i).anchor,
             .window = more.window.name,
             .aim = more.shot.aim,
             .seen = more.seen,
             .after_previous = more.after_previous,
             .next_boot = in_next_boot(more)}),
        "");
  }
  return {};
}

Status Strikes::add(const Strike::Order& order) {
  TRY_ASSIGN(std::unique_ptr<Strike> strike, Strike::of(site_, order, sink_), "");
  all_.push_back(std::move(strike));
  return {};
}

void Strikes::saw(const Json& event) {
  for (const auto& one : all_) {
    one->saw(event);
  }
}

std::vector<cluster::Node*> Strikes::nodes() const {
  std::vector<cluster::Node*> out;
  for (const auto& one : all_) {
    if (std::ranges::find(out, &one->node()) == out.end()) {
      out.push_back(&one->node());
    }
  }
  return out;
}

std::vector<const cluster::Node*> Strikes::starting() const {
  std::vector<const cluster::Node*> out;
  const std::vector<cluster::Node*> hurt = nodes();
  for (const auto& one : all_) {
    const fault::Needs& needs = one->fault().needs;
    const cluster::Node* seen = one->seen();
    if (seen == nullptr || (needs.etcd_voters == 0 && needs.servers_down == 0) ||
        !one->node().is_server()) {
      continue;
    }
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
  fault::Fault together = all_.front()->fault();
  together.needs = {};
  for (cluster::Node* node : nodes()) {
    TRY(fault::check_allowed(*node, site_.cluster.name(), deadline), "preflight");
    fault::Needs needs;
    for (const auto& one : all_) {
      if (node->is_server() && &one->node() == node) {
        needs.etcd_voters = std::max(needs.etcd_voters, one->fault().needs.etcd_voters);
        needs.servers_down = std::max(needs.servers_down, one->fault().needs.servers_down);
      }
    }
    together.needs.etcd_voters += needs.etcd_voters;
    together.needs.servers_down += needs.servers_down;
  }
  // A server that starts is none that carries the rest meanwhile.
  const int more = static_cast<int>(starting().size());
  together.needs.etcd_voters += more;
  together.needs.servers_down += more;
  for (const auto& one : all_) {
    TRY(one->find_peers(deadline), "preflight");
  }
  const auto server =
      std::ranges::find_if(all_, [](const auto& one) { return one->node().is_server(); });
  if (server == all_.end()) {
    return {};
  }
  return fault::check_budget(site_.access,
                             (*server)->node(),
                             together,
                             {.servers_down = cell_.budget.servers_down},
                             deadline);
}

Status Strikes::arm() {
  if (all_.empty()) {
    return {};
  }
  const Deadline deadline = Deadline::after(kArmLimit);
  TRY(check(deadline), "preflight");
  heartbeat_ = std::make_unique<fault::Heartbeat>(nodes(), site_.cluster.name(), seconds(3));
  for (const auto& one : all_) {
    if (one->after_previous()) {
      continue;
    }
    Status armed = one->arm(deadline);
    if (!armed && armed.error().code() == ErrorCode::not_supported) {
      one->tell("unsupported", armed.error().message());
    }
    TRY(std::move(armed), "arm");
  }
  if (std::ranges::any_of(all_, [](const auto& one) { return one->after_previous(); })) {
    in_turn_ = std::jthread([this](const std::stop_token& over) { arm_in_turn(over); });
  }
  return {};
}

void Strikes::arm_in_turn(const std::stop_token& over) {
  for (std::size_t i = 1; i < all_.size(); ++i) {
    if (!all_[i]->after_previous()) {
      continue;
    }
    if (const Status armed = arm_after(*all_[i - 1], *all_[i], over); !armed) {
      all_[i]->give_up(over.stop_requested() ? "the step was over before its turn came"
                                             : armed.error().message());
    }
  }
}

// It waits for the one before it: applied, and where it lasts, taken back and verified.
Status Strikes::arm_after(const Strike& previous, Strike& one, const std::stop_token& over) {
  if (!previous.armed()) {
    return fail(ErrorCode::refused, "the fault before it was never armed");
  }
  const std::string& cluster = site_.cluster.name();
  const std::string& record = previous.record();
  TRY_ASSIGN(const fault::Outcome earlier,
             fault::await(previous.node(), cluster, record, {}, Deadline::after(kTurnLimit), over),
             "await " + record);
  if (earlier.outcome != "applied") {
    return fail(ErrorCode::refused,
                fmt::format("the fault before it was {}: {}", earlier.outcome, earlier.reason));
  }
  if (previous.lasts()) {
    TRY(fault::await_undone(previous.node(), cluster, record, Deadline::after(kTurnLimit), over),
        "await the undo of " + record);
  }
  return one.arm(Deadline::after(kArmLimit));
}

Result<std::string> Strikes::await() {
  if (all_.empty()) {
    return "no fault";
  }
  std::vector<std::string> texts;
  for (const auto& one : all_) {
    if (one->after_previous() && in_turn_.joinable()) {
      in_turn_.request_stop();
      in_turn_.join();
    }
    TRY_ASSIGN(std::string text, one->await(), "await the fault");
    texts.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

void Strikes::end_waits() {
  for (const auto& one : all_) {
    one->end_waits();
  }
}

void Strikes::disarm() {
  in_turn_.request_stop();
  end_waits();
  if (std::ranges::any_of(all_, [](const auto& one) { return one->armed(); })) {
    fault::heal(nodes(), site_.cluster.name(), site_.run_id, {}, Deadline::after(kHealLimit));
  }
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
