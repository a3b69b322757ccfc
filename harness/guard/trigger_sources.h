// Everything that a waiting trigger listens to, as one stream of facts in the order in which they
// are read: the unit's journal each round, the rest when a descriptor is ready.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <poll.h>

#include "harness/guard/endpoint_watch.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/journal_reader.h"
#include "harness/guard/process_watch.h"
#include "harness/guard/protocol.h"
#include "harness/guard/unit_watch.h"

namespace harness::guard {

class TriggerSources {
 public:
  using Take = std::function<void(const Json&)>;

  // What is there already is no news. The trigger's markers say which of the others are watched:
  // systemd's states and processes cost more than files.
  explicit TriggerSources(const ArmRecord& record);

  Status start();
  void poll(const Take& take);
  // Until this instant of CLOCK_MONOTONIC, or until one of them has something to tell.
  void wait(std::int64_t until_mono_us);

  ContainerWatch& containers() { return containers_; }

 private:
  JournalReader journal_;
  ManifestWatch manifests_;
  ContainerWatch containers_;
  EndpointWatch endpoints_;
  std::optional<UnitWatch> unit_;
  std::optional<ProcessWatch> processes_;
  std::vector<pollfd> watched_;
  int round_ = 0;
  bool woken_ = true;
};

}  // namespace harness::guard
