// A run from its first check to its reports: the folder, the events, the nodes and the lease. Which
// cases run in it, and when enough is enough, its caller says. Healing comes before every verdict.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/judge.h"
#include "harness/cluster/cluster.h"
#include "harness/cluster/lease.h"
#include "harness/event/log.h"
#include "harness/inventory/inventory.h"
#include "harness/observe/control_plane.h"
#include "harness/plan/plan.h"
#include "harness/power/control.h"
#include "harness/power/ledger.h"
#include "harness/run/interrupt.h"
#include "harness/run/outside.h"
#include "harness/run/progress.h"
#include "harness/run/recorder.h"
#include "harness/run/run_folder.h"
#include "harness/upgrade/install_method.h"

namespace harness::run {

inline constexpr int kTimeLimitPassed = 124;  // exit status, as timeout(1) has it

struct RunOptions {
  std::filesystem::path results = "results";
  int repeat = 1;
  std::optional<Microseconds> time_limit;
  std::vector<std::string> gtest_flags;  // --gtest_...
  bool allow_root_fill = false;
  Progress::Style style = Progress::Style::plain;
  std::string tool;
  std::vector<std::string> suites;  // the files, as they were given
  std::vector<std::string> again;   // the command that does it again, where no suite would
};

struct RunEnd {
  std::filesystem::path folder;
  int exit_status = 3;
  std::string summary;  // Markdown
};

class Session {
 public:
  // What is refused for the cluster's sake: an inventory that is not expendable.
  static Status allowed(const inventory::Inventory& inventory);

  // The time limit begins here.
  Session(const inventory::Inventory& inventory,
          const RunOptions& options,
          Interrupt& interrupt,
          Outside outside = {});

  // Everything that can be wrong on this machine comes before the first node is asked, and that
  // before the first is hurt: artifacts, folder, connections, preflight, lease, leftovers, health.
  // `trials`: how many are wanted in all, for the progress line.
  Status open(const std::string& name,
              std::uint64_t seed,
              const Json& plan,
              const std::vector<Version>& versions,
              int trials);
  // plan.json anew, where cases are found while the run goes on.
  Status plan(const Json& plan);

  // One trial more of this case, judged; all of the case so far. An error ends the run: what was
  // seen could not be kept or judged, or the cluster is not ours any more.
  Result<std::vector<check::TrialVerdict>> trial(const plan::Case& cell, const plan::Shot& shot);
  std::vector<check::TrialVerdict> trials(const plan::Case& cell) const;

  // `problem`: why no case ran.
  Result<RunEnd> close(const Status& problem);

  // No further trial may begin: it was interrupted, a node is dirty, or the run was ended.
  bool stopped() const { return interrupt_.token().stop_requested() || dirty_; }

  // A node could not be healed, by this run or by whoever was there before: exit status 5, whatever
  // else there is to say.
  bool dirty() const { return dirty_; }

  // Why it was ended early; shown and kept.
  void end(const std::string& why);

  Progress& progress() { return progress_; }

  Recorder& recorder() { return *recorder_; }

  bool has_folder() const { return folder_.has_value(); }

  const RunFolder& folder() const { return *folder_; }

 private:
  Status write_run(const std::string& finished);
  Status connect();
  Result<bool> give_power_back();
  Status preflight();
  void heal_leftovers();
  void clear_copies();

  const inventory::Inventory& inventory_;
  const RunOptions& options_;
  Interrupt& interrupt_;
  const Outside outside_;
  Progress progress_;
  std::uint64_t seed_ = 0;
  std::vector<Version> versions_;
  std::optional<RunFolder> folder_;
  std::string started_;
  std::map<std::string, std::vector<check::TrialVerdict>> trials_;  // by case; over repetitions
  std::string stopped_;  // why the run ended before its plan did
  std::unique_ptr<event::EventLog> log_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<cluster::Cluster> cluster_;
  std::unique_ptr<observe::Access> access_;
  std::unique_ptr<upgrade::InstallMethod> method_;
  std::unique_ptr<cluster::Lease> lease_;
  power::Ledger ledger_;
  std::optional<power::Control> power_;  // where the inventory has `power`
  bool dirty_ = false;
};

}  // namespace harness::run
