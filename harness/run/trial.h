// One trial: baseline, observe, arm, step, heal, settle, collect. It judges nothing; everything it
// sees goes into the recorder, and the checks read it from there.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "harness/cluster/cluster.h"
#include "harness/fault/power_cut.h"
#include "harness/observe/control_plane.h"
#include "harness/plan/plan.h"
#include "harness/run/outside.h"
#include "harness/run/recorder.h"

namespace harness::run {

struct TrialContext {
  cluster::Cluster& cluster;
  const observe::Access& access;
  const upgrade::InstallMethod& method;
  Recorder& recorder;
  const Pace& pace;
  std::string run_id;
  std::stop_token stop;
  bool may_fill_root = false;
  std::optional<fault::PowerMeans> power = {};
  std::filesystem::path trial_dir;  // diagnostics go here; empty: none are taken
};

struct TrialEnd {
  bool complete = false;     // every phase ran; else the harness could not do its job
  std::string reason;        // why not, or what the fault did
  bool dirty = false;        // a node could not be healed
  std::string dirty_reason;  // which, and why
  bool interrupted = false;
};

// Never leaves a fault armed: whatever happens, healing runs before it returns.
TrialEnd run_trial(const TrialContext& context,
                   const plan::Case& cell,
                   const plan::Shot& shot,
                   int trial);

}  // namespace harness::run
