// What explains a new start of a service, its death, or a new container: a step of the upgrade, or
// a fault that was recorded. Each explanation is used once; what is left over is a finding.
#pragma once

#include <string>
#include <vector>

#include "harness/check/facts.h"

namespace harness::check {

// The exit of the service that a fault may cause. Its own process or its containerd was killed, or
// it was stopped. Or kube-apiserver or etcd was taken away after the hooks' gate had opened, and
// hooks end the process when a call of theirs fails (RKE2 pkg/rke2: logrus.Fatalf in every hook);
// before the gate that explains no exit: there the service must wait.
struct FaultExit {
  const Invocation* invocation = nullptr;  // null: the fault explains none
  std::string text;                        // what happened, or why the fault explains no exit
  bool ordered = false;                    // a stop: systemd counts no restart for it

  bool ends_one_on(const std::string& node) const {
    return invocation != nullptr && invocation->node == node;
  }
};

// One for each fault that was applied, in the plan's order; none twice.
std::vector<FaultExit> fault_exits(const TrialFacts& facts);
// How many ended a service of that node, and how many of these systemd answered with a restart.
int exits_on(const TrialFacts& facts, const std::string& node);
int restarts_on(const TrialFacts& facts, const std::string& node);
// Why the faults on a node explain no exit there, in brackets; empty where there were none, or one
// does.
std::string no_exit_on(const TrialFacts& facts, const std::string& node);

struct Start {
  const Invocation* invocation = nullptr;
  std::string by;  // empty: nothing explains it
};

// Every new start of a node's service, in order.
std::vector<Start> explain_starts(const TrialFacts& facts, const std::string& node);

// Is this fatal line an ordered stop's, a reboot's, or the fault's exit?
bool explains(const TrialFacts& facts, const JournalLine& line);

// Containers of one pod of one node that began since the upgrade's restart, and how many of these
// nothing explains. A write of a manifest explains one start with its UID, a kill one of its pod, a
// reboot one of each pod. kube-apiserver ends by itself when its etcd is away for long; the
// controllers do when they lose their lease while kube-apiserver is away.
struct ContainerStarts {
  int total = 0;
  int unexplained = 0;
  std::string consequence;  // starts that follow from the fault or the outage, in words
};

ContainerStarts explain_containers(const TrialFacts& facts,
                                   const std::string& node,
                                   const std::string& pod);

}  // namespace harness::check
