#include "harness/run/session.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/fault/injection.h"
#include "harness/power/restore.h"
#include "harness/run/doctor.h"
#include "harness/run/healthy_start.h"
#include "harness/run/judgement.h"
#include "harness/run/trial.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

Status Session::allowed(const inventory::Inventory& inventory) {
  if (inventory.expendable) {
    return {};
  }
  return fail(ErrorCode::refused,
              fmt::format("{}: the cluster is not expendable; only a cluster whose inventory "
                          "says `expendable: true` is hurt",
                          inventory.file));
}

Session::Session(const inventory::Inventory& inventory,
                 const RunOptions& options,
                 Interrupt& interrupt,
                 Outside outside)
    : inventory_(inventory),
      options_(options),
      interrupt_(interrupt),
      outside_(std::move(outside)),
      progress_(Progress::screen(stdout), options.style),
      ledger_(outside_.power_ledger.empty() ? power::Ledger::of(inventory.cluster)
                                            : power::Ledger(outside_.power_ledger)) {
  if (inventory.power) {
    power_.emplace(*outside_.commands, *inventory.power);
  }
  if (options.time_limit) {
    interrupt.stop_after(*options.time_limit, kTimeLimitPassed);
  }
}

Status Session::write_run(const std::string& finished) {
  Json nodes = Json::array();
  for (const inventory::Node& node : inventory_.nodes) {
    nodes.push_back({{"name", node.name},
                     {"address", node.address},
                     {"role", node.server ? "server" : "agent"}});
  }
  std::set<std::string> versions;
  for (const Version& version : versions_) {
    versions.insert(version.tag());
  }
  Json run = {{"run", folder_->name()},
              {"tool", options_.tool},
              {"seed", seed_},
              {"suites", options_.suites},
              {"versions", versions},
              {"inventory", inventory_.digest},
              {"inventory_path", inventory_.file},
              {"cluster", inventory_.cluster},
              {"nodes", nodes},
              {"started", started_},
              {"finished", finished}};
  if (!options_.again.empty()) {
    run["again"] = options_.again;
  }
  return folder_->write("run.json", run.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status Session::preflight() {
  auto findings = examine(*cluster_, {.need_allow = true}, Deadline::after(minutes(1)));
  std::ranges::move(examine_power(inventory_, *outside_.commands, Deadline::after(minutes(1))),
                    std::back_inserter(findings));
  if (blocks(findings)) {
    for (const Finding& finding : findings) {
      if (finding.what == kQuarantine) {
        dirty_ = true;
        recorder_->put({{"type", "node.dirty"},
                        {"reason", fmt::format("{}: {}", finding.node, finding.seen)}});
      }
    }
    return fail(
        blocked_by(findings, kAllowMarker) ? ErrorCode::refused : ErrorCode::remote_failed,
        "the cluster is not fit for a run:\n" + describe(findings, Finding::Grade::blocking));
  }
  for (const Finding& finding : findings) {
    if (finding.grade == Finding::Grade::limited) {
      progress_.line(
          fmt::format("{} {}: {}; {}", finding.node, finding.what, finding.seen, finding.advice));
    }
  }
  return {};
}

void Session::heal_leftovers() {
  const fault::HealReport report =
      fault::heal(cluster_->nodes(), cluster_->name(), "", {}, Deadline::after(minutes(2)));
  for (const fault::HealedRecord& record : report.records) {
    progress_.line(fmt::format(
        "{}: took back {} of an earlier run: {}", record.node, record.id, record.summary));
  }
  for (const std::string& dirty : report.dirty) {
    dirty_ = true;
    recorder_->put({{"type", "node.dirty"}, {"reason", dirty}});
  }
}

Status Session::open(const std::string& name,
                     std::uint64_t seed,
                     const Json& plan,
                     const std::vector<Version>& versions,
                     int trials) {
  seed_ = seed;
  versions_ = versions;
  started_ = format_wall(wall_now_us());
  TRY_ASSIGN(method_,
             outside_.install_method(inventory_.install.method, inventory_.install.artifacts),
             "install method");
  std::set<std::string> verified;
  for (const Version& version : versions) {
    if (verified.insert(version.tag()).second) {
      TRY(method_->verify(version), "artifacts of " + version.tag());
    }
  }
  TRY_ASSIGN(folder_, RunFolder::create(options_.results, name), "results");
  TRY(this->plan(plan), "results");
  TRY(write_run(""), "results");
  TRY_ASSIGN(log_, event::EventLog::open(folder_->events()), "results");
  recorder_ = std::make_unique<Recorder>(*log_, progress_);
  recorder_->put({{"type", "run.started"},
                  {"tool", options_.tool},
                  {"seed", seed},
                  {"suite", name},
                  {"trials", trials},
                  {"time_limit_us", options_.time_limit.value_or(Microseconds(0)).count()}});
  return connect();
}

Status Session::plan(const Json& plan) {
  return folder_->write("plan.json",
                        plan.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// True when a node that an earlier run left without power now boots.
Result<bool> Session::give_power_back() {
  bool boots = false;
  for (const power::Restored& one :
       power::restore(inventory_, *outside_.commands, ledger_, Deadline::after(minutes(5)))) {
    if (!one.ok) {
      return fail(ErrorCode::remote_failed, one.node + ": " + one.summary);
    }
    progress_.line(
        fmt::format("{}: an earlier run was to cut its power: {}", one.node, one.summary));
    boots = boots || one.was_off;
  }
  return boots;
}

Status Session::connect() {
  TRY_ASSIGN(const bool boots, give_power_back(), "power");
  const auto look = [&]() -> Result<Observation> {
    auto connected = outside_.connect(inventory_, Deadline::after(minutes(1)));
    if (connected) {
      cluster_ = *std::move(connected);
      return Observation{.done = true};
    }
    if (!boots || connected.error().code() != ErrorCode::unreachable) {
      return fail(std::move(connected).error());
    }
    return Observation{.done = false, .seen = connected.error().message()};
  };
  TRY(eventually("connect to " + inventory_.cluster,
                 Deadline::after(power::kBootLimit),
                 seconds(1),
                 look,
                 interrupt_.token()),
      "");
  access_ = std::make_unique<observe::Access>(cluster_->name(), cluster_->nodes());
  TRY(preflight(), "preflight");
  TRY_ASSIGN(cluster::Node * first, cluster_->first_server(), "lease");
  auto lease = cluster::Lease::acquire(*first,
                                       {.cluster = cluster_->name(),
                                        .holder = cluster::default_holder(),
                                        .epoch = folder_->name(),
                                        .renew_every = outside_.pace.lease_renewal},
                                       Deadline::after(seconds(20)));
  if (!lease) {
    // Somebody else's run is no mistake of this one's caller.
    return fail(ErrorCode::remote_failed, "lease: " + lease.error().message());
  }
  lease_ = *std::move(lease);
  heal_leftovers();
  if (!dirty_) {
    TRY(healthy_start(*access_,
                      recorder_->sink(),
                      Deadline::after(outside_.pace.healthy_start),
                      interrupt_.token()),
        "preflight");
  }
  return {};
}

Result<std::vector<check::TrialVerdict>> Session::trial(const plan::Case& cell,
                                                        const plan::Shot& shot) {
  std::vector<check::TrialVerdict>& trials = trials_[cell.name];
  const int number = static_cast<int>(trials.size()) + 1;
  const TrialContext context{
      .cluster = *cluster_,
      .access = *access_,
      .method = *method_,
      .recorder = *recorder_,
      .pace = outside_.pace,
      .run_id = folder_->name(),
      .stop = interrupt_.token(),
      .may_fill_root = options_.allow_root_fill,
      .power = power_ ? std::optional(fault::PowerMeans{*power_, ledger_}) : std::nullopt,
      .trial_dir = folder_->trial(cell.name, number)};
  recorder_->begin_trial(cell.name, number);
  const TrialEnd end = run_trial(context, cell, shot, number);
  const std::vector<Json> events = recorder_->end_trial();
  if (end.dirty) {
    dirty_ = true;
    recorder_->put({{"type", "node.dirty"}, {"reason", end.dirty_reason}});
  }
  TRY(lease_->held(), "lease");
  TRY(recorder_->written(), "events");
  trials.push_back(check::judge_trial(check::gather(events)));
  return trials;
}

std::vector<check::TrialVerdict> Session::trials(const plan::Case& cell) const {
  const auto found = trials_.find(cell.name);
  return found == trials_.end() ? std::vector<check::TrialVerdict>() : found->second;
}

void Session::end(const std::string& why) {
  stopped_ = why;
  progress_.line("the run ends here: " + why);
  interrupt_.stop(3);
}

// What a node keeps of it does no harm: it is told, and no reason to call a run an error.
void Session::clear_copies() {
  for (cluster::Node* node : cluster_->nodes()) {
    const Status cleared = method_->clear(*node, Deadline::after(seconds(20)));
    if (!cleared) {
      progress_.line(
          fmt::format("{}: {}; the next run uses them, `hookshot allow --remove` takes them away",
                      node->name(),
                      cleared.error().message()));
    }
  }
}

Result<RunEnd> Session::close(const Status& problem) {
  if (lease_ && lease_->held()) {
    clear_copies();
  }
  if (lease_) {
    static_cast<void>(lease_->release(Deadline::after(seconds(5))));
  }
  if (!problem) {
    stopped_ = problem.error().message();
  } else if (stopped_.empty() && interrupt_.exit_status() != 0) {
    stopped_ = interrupt_.exit_status() == kTimeLimitPassed ? "the time limit passed"
                                                            : "it was interrupted";
  } else if (stopped_.empty() && dirty_) {
    stopped_ = "a node could not be healed";
  }
  if (recorder_) {
    recorder_->put({{"type", "run.finished"},
                    {"stopped", stopped_},
                    {"exit_status", dirty_ ? 5 : interrupt_.exit_status()}});
  }
  TRY(write_run(format_wall(wall_now_us())), "results");
  TRY_ASSIGN(const report::Model model, judge(*folder_), "judge");
  TRY(write_reports(*folder_, model), "report");
  return RunEnd{.folder = folder_->path(),
                .exit_status = exit_status(model),
                .summary = report::to_markdown(model)};
}

}  // namespace harness::run
