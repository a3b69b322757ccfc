#include "harness/run/conductor.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "harness/base/eventually.h"
#include "harness/cluster/lease.h"
#include "harness/event/log.h"
#include "harness/fault/injection.h"
#include "harness/run/doctor.h"
#include "harness/run/healthy_start.h"
#include "harness/run/hosting.h"
#include "harness/run/judgement.h"
#include "harness/run/shots.h"
#include "harness/run/trial.h"
#include "harness/upgrade/install_method.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kHealthyLimit = minutes(2);

std::string suites_of(const plan::Plan& plan) {
  std::set<std::string> names;
  for (const plan::Case& cell : plan.cases) {
    names.insert(cell.suite);
  }
  return fmt::format("{}", fmt::join(names, "+"));
}

// The plan as it runs: repeated, and without what GoogleTest's filter or shard left out.
Json plan_json(const plan::Plan& plan, int repeat, const std::vector<const plan::Case*>& selected) {
  Json out = plan.to_json();
  Json cases = Json::array();
  for (Json& cell : out["cases"]) {
    const std::string name = json_string(cell, "name");
    if (std::ranges::find(selected, name, [](const plan::Case* one) { return one->name; }) ==
        selected.end()) {
      out["excluded"].push_back(
          {{"name", name}, {"reason", "left out by --gtest_filter or by the shard"}});
      continue;
    }
    cell["hits"] = json_int(cell, "hits", 1) * repeat;
    cell["attempts"] = json_int(cell, "attempts", 1) * repeat;
    cases.push_back(std::move(cell));
  }
  out["cases"] = std::move(cases);
  return out;
}

int trials_wanted(const std::vector<const plan::Case*>& selected) {
  int out = 0;
  for (const plan::Case* cell : selected) {
    out += cell->hits;
  }
  return out;
}

class Conductor {
 public:
  Conductor(const inventory::Inventory& inventory,
            const plan::Plan& plan,
            const RunOptions& options,
            Interrupt& interrupt)
      : inventory_(inventory),
        plan_(plan),
        options_(options),
        interrupt_(interrupt),
        progress_(Progress::screen(stdout), options.style) {}

  Status prepare(const std::vector<const plan::Case*>& selected);
  void run_case(const plan::Case& cell);
  // `problem`: why no case ran.
  Result<RunEnd> finish(const Status& problem);

  bool has_folder() const { return folder_.has_value(); }

 private:
  Status write_run(const std::string& finished);
  Status connect();
  Result<check::CaseVerdict> run_one(const plan::Case& cell,
                                     const plan::Shot& shot,
                                     int trial,
                                     const Json& planned);
  Status preflight();
  void heal_leftovers();

  bool stopped() const { return interrupt_.token().stop_requested() || dirty_; }

  const inventory::Inventory& inventory_;
  const plan::Plan& plan_;
  const RunOptions& options_;
  Interrupt& interrupt_;
  std::optional<RunFolder> folder_;
  Progress progress_;
  std::string started_;
  std::map<std::string, int> trials_;  // by case; goes on over repetitions
  std::string stopped_;                // why the run ended before its plan did
  std::unique_ptr<event::EventLog> log_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<observe::Access> access_;
  std::unique_ptr<upgrade::InstallMethod> method_;
  std::unique_ptr<cluster::Lease> lease_;
  bool dirty_ = false;
};

Status Conductor::write_run(const std::string& finished) {
  Json nodes = Json::array();
  for (const inventory::Node& node : inventory_.nodes) {
    nodes.push_back({{"name", node.name},
                     {"address", node.address},
                     {"role", node.server ? "server" : "agent"}});
  }
  std::set<std::string> versions;
  for (const plan::Case& cell : plan_.cases) {
    versions.insert(cell.from.tag());
    versions.insert(cell.to.tag());
  }
  const Json run = {{"run", folder_->name()},
                    {"tool", options_.tool},
                    {"seed", plan_.seed},
                    {"suites", options_.suites},
                    {"versions", versions},
                    {"inventory", inventory_.digest},
                    {"inventory_path", inventory_.file},
                    {"cluster", inventory_.cluster},
                    {"nodes", nodes},
                    {"started", started_},
                    {"finished", finished}};
  return folder_->write("run.json", run.dump(2) + "\n");
}

Status Conductor::preflight() {
  const auto findings = examine(*cluster_, {.need_allow = true}, Deadline::after(minutes(1)));
  if (blocks(findings)) {
    const bool unmarked = std::ranges::any_of(findings, [](const Finding& finding) {
      return finding.grade == Finding::Grade::blocking && finding.what == kAllowMarker;
    });
    return fail(unmarked ? ErrorCode::refused : ErrorCode::remote_failed,
                "the cluster is not fit for a run:\n" + describe(findings, false));
  }
  for (const Finding& finding : findings) {
    if (finding.grade == Finding::Grade::limited) {
      progress_.line(
          fmt::format("{} {}: {}; {}", finding.node, finding.what, finding.seen, finding.advice));
    }
  }
  return {};
}

void Conductor::heal_leftovers() {
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

// Everything that can be wrong on this machine comes before the first node is asked.
Status Conductor::prepare(const std::vector<const plan::Case*>& selected) {
  started_ = format_wall(wall_now_us());
  TRY_ASSIGN(method_,
             upgrade::make_install_method(inventory_.install.method, inventory_.install.artifacts),
             "install method");
  std::set<std::string> versions;
  for (const plan::Case* cell : selected) {
    for (const Version& version : {cell->from, cell->to}) {
      if (versions.insert(version.tag()).second) {
        TRY(method_->verify(version), "artifacts of " + version.tag());
      }
    }
  }
  TRY_ASSIGN(folder_, RunFolder::create(options_.results, suites_of(plan_)), "results");
  TRY(folder_->write("plan.json", plan_json(plan_, options_.repeat, selected).dump(2) + "\n"),
      "results");
  TRY(write_run(""), "results");
  TRY_ASSIGN(log_, event::EventLog::open(folder_->events()), "results");
  recorder_ = std::make_unique<Recorder>(*log_, progress_);
  recorder_->put({{"type", "run.started"},
                  {"tool", options_.tool},
                  {"seed", plan_.seed},
                  {"suite", suites_of(plan_)},
                  {"trials", trials_wanted(selected) * options_.repeat},
                  {"time_limit_us", options_.time_limit.value_or(Microseconds(0)).count()}});
  return connect();
}

Status Conductor::connect() {
  TRY_ASSIGN(cluster_,
             cluster::Cluster::connect(inventory_, Deadline::after(minutes(1))),
             "connect to " + inventory_.cluster);
  access_ = std::make_unique<observe::Access>(cluster_->name(), cluster_->nodes());
  TRY(preflight(), "preflight");
  TRY_ASSIGN(cluster::Node * first, cluster_->first_server(), "lease");
  auto lease = cluster::Lease::acquire(
      *first,
      {.cluster = cluster_->name(), .holder = cluster::default_holder(), .epoch = folder_->name()},
      Deadline::after(seconds(20)));
  if (!lease) {
    // Somebody else's run is no mistake of this one's caller.
    return fail(ErrorCode::remote_failed, "lease: " + lease.error().message());
  }
  lease_ = *std::move(lease);
  heal_leftovers();
  if (!dirty_) {
    TRY(healthy_start(
            *access_, recorder_->sink(), Deadline::after(kHealthyLimit), interrupt_.token()),
        "preflight");
  }
  return {};
}

// An error ends the run: what was seen could not be kept or judged, or the cluster is not ours.
Result<check::CaseVerdict> Conductor::run_one(const plan::Case& cell,
                                              const plan::Shot& shot,
                                              int trial,
                                              const Json& planned) {
  const TrialContext context{.cluster = *cluster_,
                             .access = *access_,
                             .method = *method_,
                             .recorder = *recorder_,
                             .run_id = folder_->name(),
                             .stop = interrupt_.token(),
                             .trial_dir = folder_->trial(cell.name, trial)};
  const TrialEnd end = run_trial(context, cell, shot, trial);
  if (end.dirty) {
    dirty_ = true;
    recorder_->put({{"type", "node.dirty"}, {"reason", end.dirty_reason}});
  }
  TRY(lease_->held(), "lease");
  TRY(recorder_->written(), "events");
  TRY_ASSIGN(check::CaseVerdict verdict, judge_case(*folder_, planned), "judge");
  if (verdict.trials.empty()) {
    return fail(ErrorCode::internal, "the trial left no events");
  }
  return verdict;
}

void Conductor::run_case(const plan::Case& cell) {
  recorder_->put({{"type", "case.started"}, {"name", cell.name}});
  const int hits = cell.hits * options_.repeat;
  const int attempts = cell.attempts * options_.repeat;
  Json planned = cell.to_json();
  planned["hits"] = hits;
  Shots shots(cell, hits, attempts);
  int errors = 0;  // in a row
  while (errors < 2 && !stopped()) {
    const auto shot = shots.next();
    if (!shot) {
      break;
    }
    if (!shot->why.empty()) {
      progress_.line(fmt::format("  aimed at {}: {}", aim::to_string(shot->aim), shot->why));
    }
    const auto so_far = run_one(cell, *shot, ++trials_[cell.name], planned);
    if (!so_far) {
      stopped_ = so_far.error().message();
      progress_.line("the run ends here: " + stopped_);
      interrupt_.stop(3);
      break;
    }
    const check::TrialVerdict& last = so_far->trials.back();
    progress_.line(fmt::format("  {}: {}", check::to_string(last.verdict), last.reason));
    shots.landed(so_far->trials, check::Planned::from_json(planned));
    errors = last.verdict == check::Verdict::error ? errors + 1 : 0;
  }
  if (!shots.why().empty()) {
    progress_.line("  " + shots.why());
  }
  if (trials_[cell.name] == 0) {
    GTEST_SKIP() << "the run was stopped before this case";
  }
  const auto verdict = judge_case(*folder_, planned);
  ASSERT_TRUE(verdict) << verdict.error().message();
  progress_.line(
      fmt::format("{} {}: {}", check::to_string(verdict->verdict), cell.name, verdict->reason));
  switch (verdict->verdict) {
    case check::Verdict::pass:
      return;
    case check::Verdict::unproven:
    case check::Verdict::skip:
      GTEST_SKIP() << check::to_string(verdict->verdict) << ": " << verdict->reason;
    case check::Verdict::fail:
    case check::Verdict::error:
      FAIL() << check::to_string(verdict->verdict) << ": " << verdict->reason;
  }
}

Result<RunEnd> Conductor::finish(const Status& problem) {
  if (lease_) {
    static_cast<void>(lease_->release(Deadline::after(seconds(5))));
  }
  if (!problem) {
    stopped_ = problem.error().message();
  } else if (stopped_.empty() && interrupt_.exit_status() != 0) {
    stopped_ = interrupt_.exit_status() == 124 ? "the time limit passed" : "it was interrupted";
  } else if (stopped_.empty() && dirty_) {
    stopped_ = "a node could not be healed";
  }
  recorder_->put({{"type", "run.finished"},
                  {"stopped", stopped_},
                  {"exit_status", dirty_ ? 5 : interrupt_.exit_status()}});
  TRY(write_run(format_wall(wall_now_us())), "results");
  TRY_ASSIGN(const report::Model model, judge(*folder_), "judge");
  TRY(write_reports(*folder_, model), "report");
  return RunEnd{.folder = folder_->path(),
                .exit_status = exit_status(model),
                .summary = report::to_markdown(model)};
}

}  // namespace

Result<RunEnd> run(const inventory::Inventory& inventory,
                   const plan::Plan& plan,
                   const RunOptions& options,
                   Interrupt& interrupt) {
  if (plan.cases.empty()) {
    return fail(ErrorCode::invalid_input,
                "nothing is left to run; `hookshot plan` says what was left out and why");
  }
  TRY(check_gtest_flags(options.gtest_flags), "run");
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                fmt::format("{}: the cluster is not expendable; only a cluster whose inventory "
                            "says `expendable: true` is hurt",
                            inventory.file));
  }
  std::jthread limit;
  if (options.time_limit) {
    limit = std::jthread([&interrupt, for_us = *options.time_limit](const std::stop_token& stop) {
      if (!paced(for_us, stop)) {
        interrupt.stop(124);
      }
    });
  }
  Conductor conductor(inventory, plan, options, interrupt);
  const Hosted hosted =
      host(plan.cases,
           options.gtest_flags,
           {.prepare = [&](const auto& selected) { return conductor.prepare(selected); },
            .run_case = [&](const plan::Case& cell) { conductor.run_case(cell); }});
  if (hosted.listed) {
    return RunEnd{.folder = {}, .exit_status = 0, .summary = {}};
  }
  if (!hosted.selected && hosted.sharded) {
    return RunEnd{.folder = {}, .exit_status = 0, .summary = "This shard has no case."};
  }
  if (!hosted.selected) {
    return fail(ErrorCode::invalid_input, "no case matches --gtest_filter; nothing was run");
  }
  if (!hosted.prepared) {
    if (conductor.has_folder()) {
      static_cast<void>(conductor.finish(hosted.prepared));
    }
    return fail(Error(hosted.prepared.error()).prepend("run"));
  }
  return conductor.finish({});
}

}  // namespace harness::run
