#include "harness/run/strike.h"

#include "harness/fault/peers.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::chrono::milliseconds kTimeToLive = minutes(20);
// After a boot the node must reach its window before anybody can talk to it.
constexpr std::chrono::milliseconds kLease{15'000};
constexpr std::chrono::milliseconds kLeaseAfterBoot{120'000};
constexpr auto kEndLimit = seconds(90);

}  // namespace

Strike::Strike(const StrikeSite& site,
               Order order,
               cluster::Node& node,
               fault::Fault fault,
               observe::Sink sink)
    : site_(site),
      order_(std::move(order)),
      node_(node),
      fault_(std::move(fault)),
      sink_(std::move(sink)) {}

Result<std::unique_ptr<Strike>> Strike::of(const StrikeSite& site,
                                           const Order& order,
                                           observe::Sink sink) {
  TRY_ASSIGN(cluster::Node * node, site.cluster.node(order.target), "target");
  TRY_ASSIGN(fault::Fault made, fault::make_fault(order.fault, order.params), "fault");
  std::unique_ptr<Strike> strike(new Strike(site, order, *node, std::move(made), std::move(sink)));
  if (order.seen.elsewhere()) {
    TRY_ASSIGN(cluster::Node * seen, site.cluster.node(order.seen.node), "while");
    strike->lookout_ = std::make_unique<Lookout>(*node,
                                                 *seen,
                                                 Lookout::Order{.cluster = site.cluster.name(),
                                                                .id = order.record,
                                                                .window = order.window,
                                                                .aim = order.aim},
                                                 strike->sink_);
  }
  return strike;
}

Status Strike::find_peers(Deadline deadline) {
  TRY_ASSIGN(addresses_, fault::peer_addresses(site_.access, node_, fault_, deadline), "");
  return {};
}

Status Strike::arm(Deadline deadline) {
  const std::string& cluster = site_.cluster.name();
  TRY_ASSIGN(power_,
             fault::PowerCut::of(fault_,
                                 node_,
                                 site_.power,
                                 {.cluster = cluster, .id = order_.record, .run = site_.run_id},
                                 sink_,
                                 deadline),
             fault_.describe());
  {
    const std::lock_guard held(mutex_);
    armed_ = true;
  }
  TRY(fault::arm(node_,
                 fault_,
                 {.id = order_.record,
                  .run = site_.run_id,
                  .case_name = order_.case_name,
                  .cluster = cluster,
                  .trigger = {.window = event::WindowDef{.name = order_.anchor.marker_of,
                                                         .open = order_.anchor.open,
                                                         .close = order_.anchor.close,
                                                         .description = {}},
                              .offset = order_.anchor.offset,
                              .any_invocation = order_.after_previous,
                              .next_boot = order_.next_boot,
                              .at_word = lookout_ != nullptr},
                  .ttl = kTimeToLive,
                  .lease = order_.next_boot ? kLeaseAfterBoot : kLease,
                  .may_fill_root = site_.may_fill_root,
                  .addresses = addresses_},
                 deadline),
      "");
  if (power_) {
    power_->begin();
  }
  return lookout_ ? lookout_->begin(deadline) : Status();
}

void Strike::give_up(std::string why) {
  const std::lock_guard held(mutex_);
  never_ = std::move(why);
}

void Strike::tell(const char* outcome, const std::string& reason) {
  sink_({{"type", "fault"},
         {"node", node_.name()},
         {"id", order_.record},
         {"outcome", outcome},
         {"state", "NOT ARMED"},
         {"reason", reason}});
}

void Strike::saw(const Json& event) {
  if (lookout_) {
    lookout_->saw(event);
  }
}

bool Strike::armed() const {
  const std::lock_guard held(mutex_);
  return armed_;
}

bool Strike::lasts() const {
  return json_int(fault_.action, "hold_ms") > 0;
}

Result<fault::Outcome> Strike::outcome() {
  std::string never;
  {
    const std::lock_guard held(mutex_);
    never = armed_ || !never_.empty() ? never_ : "its turn never came";
  }
  if (never.empty()) {
    return fault::await_window(
        node_, site_.cluster.name(), order_.record, sink_, Deadline::after(kEndLimit), site_.stop);
  }
  tell("missed", never);
  return fault::Outcome{
      .outcome = "missed", .state = "NOT ARMED", .reason = never, .evidence = {}, .record = {}};
}

Result<std::string> Strike::await() {
  if (lookout_ && armed()) {
    if (std::string never = lookout_->finish(); !never.empty()) {
      tell("missed", never);
      return "missed: " + never;
    }
  }
  TRY_ASSIGN(const fault::Outcome ended, outcome(), node_.name());
  std::string text =
      ended.outcome == "applied" ? ended.evidence : ended.outcome + ": " + ended.reason;
  if (power_) {
    TRY_ASSIGN(const std::optional<std::string> cut, power_->finish(), node_.name());
    text += cut ? "; " + *cut : "";
  }
  return text;
}

void Strike::end_waits() {
  if (lookout_) {
    static_cast<void>(lookout_->finish());
  }
  if (power_) {
    static_cast<void>(power_->finish());
  }
}

}  // namespace harness::run
