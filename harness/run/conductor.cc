#include "harness/run/conductor.h"

#include <algorithm>
#include <condition_variable>
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
#include "harness/run/judgement.h"
#include "harness/run/trial.h"
#include "harness/upgrade/install_method.h"

namespace harness::run {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::string suites_of(const plan::Plan& plan) {
  std::set<std::string> names;
  for (const plan::Case& cell : plan.cases) {
    names.insert(cell.suite);
  }
  return fmt::format("{}", fmt::join(names, "+"));
}

Json plan_json(const plan::Plan& plan, int repeat) {
  Json out = plan.to_json();
  for (Json& cell : out["cases"]) {
    cell["hits"] = json_int(cell, "hits", 1) * repeat;
    cell["attempts"] = json_int(cell, "attempts", 1) * repeat;
  }
  return out;
}

class Conductor {
 public:
  Conductor(const inventory::Inventory& inventory,
            const plan::Plan& plan,
            const RunOptions& options,
            Interrupt& interrupt,
            RunFolder folder)
      : inventory_(inventory),
        plan_(plan),
        options_(options),
        interrupt_(interrupt),
        folder_(std::move(folder)),
        progress_(stdout, options.style) {}

  Status prepare();
  int run_tests();
  void run_case(const plan::Case& cell);
  Result<RunEnd> finish();

 private:
  Status write_run(const std::string& finished);
  Status preflight();
  void heal_leftovers();

  bool stopped() const { return interrupt_.token().stop_requested() || dirty_; }

  const inventory::Inventory& inventory_;
  const plan::Plan& plan_;
  const RunOptions& options_;
  Interrupt& interrupt_;
  RunFolder folder_;
  Progress progress_;
  std::string started_;
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
  const Json run = {{"run", folder_.name()},
                    {"tool", options_.tool},
                    {"seed", plan_.seed},
                    {"inventory", inventory_.digest},
                    {"cluster", inventory_.cluster},
                    {"nodes", nodes},
                    {"started", started_},
                    {"finished", finished}};
  return folder_.write("run.json", run.dump(2) + "\n");
}

Status Conductor::preflight() {
  std::set<std::string> versions;
  for (const plan::Case& cell : plan_.cases) {
    for (const Version& version : {cell.from, cell.to}) {
      if (versions.insert(version.tag()).second) {
        TRY(method_->verify(version), "artifacts of " + version.tag());
      }
    }
  }
  const auto findings = examine(*cluster_, {.need_allow = true}, Deadline::after(minutes(1)));
  if (blocks(findings)) {
    return fail(ErrorCode::refused,
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

Status Conductor::prepare() {
  started_ = format_wall(wall_now_us());
  TRY(folder_.write("plan.json", plan_json(plan_, options_.repeat).dump(2) + "\n"), "results");
  TRY(write_run(""), "results");
  TRY_ASSIGN(log_, event::EventLog::open(folder_.events()), "results");
  recorder_ = std::make_unique<Recorder>(*log_, progress_);
  recorder_->put({{"type", "run.started"},
                  {"tool", options_.tool},
                  {"seed", plan_.seed},
                  {"suite", suites_of(plan_)}});
  TRY_ASSIGN(method_,
             upgrade::make_install_method(inventory_.install.method, inventory_.install.artifacts),
             "install method");
  TRY_ASSIGN(cluster_,
             cluster::Cluster::connect(inventory_, Deadline::after(minutes(1))),
             "connect to " + inventory_.cluster);
  access_ = std::make_unique<observe::Access>(cluster_->name(), cluster_->nodes());
  TRY(preflight(), "preflight");
  TRY_ASSIGN(cluster::Node * first, cluster_->first_server(), "lease");
  TRY_ASSIGN(lease_,
             cluster::Lease::acquire(*first,
                                     {.cluster = cluster_->name(),
                                      .holder = cluster::default_holder(),
                                      .epoch = folder_.name()},
                                     Deadline::after(seconds(20))),
             "lease");
  heal_leftovers();
  return {};
}

void Conductor::run_case(const plan::Case& cell) {
  recorder_->put({{"type", "case.started"}, {"name", cell.name}});
  const int hits = cell.hits * options_.repeat;
  const int attempts = cell.attempts * options_.repeat;
  Json planned = cell.to_json();
  planned["hits"] = hits;
  int landed = 0;
  for (int trial = 1; trial <= attempts && landed < hits && !stopped(); ++trial) {
    const TrialContext context{.cluster = *cluster_,
                               .access = *access_,
                               .method = *method_,
                               .recorder = *recorder_,
                               .run_id = folder_.name(),
                               .stop = interrupt_.token(),
                               .trial_dir = folder_.trial(cell.name, trial)};
    const TrialEnd end = run_trial(context, cell, trial);
    if (end.dirty) {
      dirty_ = true;
      recorder_->put({{"type", "node.dirty"}, {"reason", end.reason}});
    }
    const auto verdict = judge_case(folder_, planned);
    if (!verdict || verdict->trials.empty()) {
      ADD_FAILURE() << "the trial could not be judged: "
                    << (verdict ? "no events" : verdict.error().message());
      return;
    }
    const check::TrialVerdict& last = verdict->trials.back();
    progress_.line(fmt::format("  {}: {}", check::to_string(last.verdict), last.reason));
    landed = check::enough(verdict->trials, check::Planned::from_json(planned)) ? hits : 0;
    if (const Status held = lease_->held(); !held) {
      ADD_FAILURE() << held.error().message();
      interrupt_.stop(3);
    }
    if (!recorder_->written()) {
      ADD_FAILURE() << recorder_->written().error().message();
      interrupt_.stop(3);
    }
    if (last.verdict == check::Verdict::error && !end.complete && trial >= 2) {
      break;
    }
  }
  const auto verdict = judge_case(folder_, planned);
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

class PlannedCase : public testing::Test {
 public:
  PlannedCase(Conductor& conductor, const plan::Case& cell) : conductor_(conductor), cell_(cell) {}

  void TestBody() override { conductor_.run_case(cell_); }

 private:
  Conductor& conductor_;
  const plan::Case& cell_;
};

int Conductor::run_tests() {
  for (const plan::Case& cell : plan_.cases) {
    const std::size_t slash = cell.name.find('/');
    testing::RegisterTest(cell.suite.c_str(),
                          cell.name.substr(slash + 1).c_str(),
                          nullptr,
                          nullptr,
                          cell.suite.c_str(),
                          static_cast<int>(cell.index),
                          [this, &cell]() -> PlannedCase* { return new PlannedCase(*this, cell); });
  }
  std::vector<std::string> words = {"hookshot"};
  words.insert(words.end(), options_.gtest_flags.begin(), options_.gtest_flags.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  testing::InitGoogleTest(&argc, argv.data());
  // The progress lines say all that GoogleTest's own printer would, and more.
  delete testing::UnitTest::GetInstance()->listeners().Release(
      testing::UnitTest::GetInstance()->listeners().default_result_printer());
  return RUN_ALL_TESTS();
}

Result<RunEnd> Conductor::finish() {
  if (lease_) {
    static_cast<void>(lease_->release(Deadline::after(seconds(5))));
  }
  recorder_->put({{"type", "run.finished"}});
  TRY(write_run(format_wall(wall_now_us())), "results");
  TRY_ASSIGN(const report::Model model, judge(folder_), "judge");
  TRY(write_reports(folder_, model), "report");
  RunEnd end{.folder = folder_.path(),
             .exit_status = check::exit_status(model.cases, dirty_),
             .summary = report::to_markdown(model)};
  if (interrupt_.exit_status() != 0 && !dirty_) {
    end.exit_status = interrupt_.exit_status();
  }
  return end;
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
  if (!inventory.expendable) {
    return fail(ErrorCode::refused,
                fmt::format("{}: the cluster is not expendable; only a cluster whose inventory "
                            "says `expendable: true` is hurt",
                            inventory.file));
  }
  TRY_ASSIGN(RunFolder folder, RunFolder::create(options.results, suites_of(plan)), "results");
  Conductor conductor(inventory, plan, options, interrupt, std::move(folder));
  TRY(conductor.prepare(), "run");
  std::jthread limit;
  if (options.time_limit) {
    limit = std::jthread([&interrupt, for_us = *options.time_limit](const std::stop_token& stop) {
      if (!paced(for_us, stop)) {
        interrupt.stop(124);
      }
    });
  }
  conductor.run_tests();
  return conductor.finish();
}

}  // namespace harness::run
