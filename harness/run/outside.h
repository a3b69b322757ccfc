// What a run meets outside this process, and how long it waits for it. The defaults are the real
// thing: SSH, artifacts, GoogleTest, and times that real nodes take. A test of a whole run puts its
// own in their place.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "harness/cluster/cluster.h"
#include "harness/cluster/lease.h"
#include "harness/exec/local_runner.h"
#include "harness/inventory/inventory.h"
#include "harness/observe/probes.h"
#include "harness/run/hosting.h"
#include "harness/upgrade/install_method.h"
#include "harness/upgrade/rolling.h"

namespace harness::run {

struct Pace {
  std::chrono::nanoseconds healthy_start = std::chrono::minutes(2);
  upgrade::SettleOptions settle{};
  observe::Probes::Options probes{};
  std::chrono::milliseconds lease_renewal = cluster::LeaseTerms{}.renew_every;
};

struct Outside {
  std::function<Result<std::unique_ptr<cluster::Cluster>>(const inventory::Inventory&, Deadline)>
      connect = cluster::Cluster::connect;
  std::function<Result<std::unique_ptr<upgrade::InstallMethod>>(std::string_view method,
                                                                std::filesystem::path artifacts)>
      install_method = upgrade::make_install_method;
  std::function<Hosted(const std::vector<plan::Case>& cases,
                       const std::vector<std::string>& gtest_flags,
                       const Hosting& hosting)>
      host = run::host;
  // Runs the inventory's power commands.
  std::shared_ptr<exec::CommandRunner> commands = std::make_shared<exec::LocalRunner>();
  // Where nodes whose power is cut are noted; empty: power::Ledger::of the cluster.
  std::filesystem::path power_ledger{};
  Pace pace{};
};

}  // namespace harness::run
