// A node in memory and in a temporary folder, where the guard's own code does each action that
// lasts and takes it back, and where can be looked at afterwards what it changed. For tests only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/guard/action_clock.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/nft_fixture.h"

namespace harness::guard {

class ReleaseWorld {
 public:
  explicit ReleaseWorld(ArmRecord record);
  ~ReleaseWorld();
  ReleaseWorld(const ReleaseWorld&) = delete;
  ReleaseWorld& operator=(const ReleaseWorld&) = delete;

  // Why this action cannot be done on this machine; empty: it can.
  std::string why_not;
  // From now on nothing comes after the way back is kept.
  bool cut_at_note = false;
  Json held;

  // As the trigger does it, with the first thing that it goes on with.
  Result<std::unique_ptr<Standing>> strike();
  Result<std::string> release();
  // All that an action may change.
  Json look() const;

 private:
  std::string file(const std::string& name, const std::string& text) const;

  // What only some actions want, and what the amounts of the table are too much for.
  void prepare();
  void containers_with_etcd();
  void in_cgroup(const std::string& group) const;
  // By its program, as a child of the unit's main process, which is then this one.
  void start_kubelet();
  // rke2 whose kubelet reads etcd's manifest again and again.
  void start_reader();
  void throttled_disk();
  void available_mb(int amount) const;
  void make_certificate();
  Result<Struck> strike_it();
  Clocks clocks();

  // What the node's tools say.
  std::optional<Result<Finished>> answer(const std::string& line);
  Finished of_systemd(const std::string& line);
  void stop_service();
  void start_hog();
  void end_hog();

  TestFolder folder_;
  ArmRecord record_;
  FakeNft nft_;
  Means means_;
  Children children_;
  Process main_ = children_.start_one();
  int main_pid_ = main_.pid;
  int kubelet_ = 0;
  int rke2_ = 0;
  int hog_ = 0;
  bool burns_ = false;
  bool up_ = true;
  bool keeper_ = true;
  bool qdisc_ = false;
  bool mounted_ = false;
  std::int64_t wall_us_ = 1'000'000'000;
  std::int64_t boot_us_ = 5'000'000;
  std::string certificate_;
  std::unique_ptr<ContainerWatch> containers_ = std::make_unique<ContainerWatch>();
};

}  // namespace harness::guard
