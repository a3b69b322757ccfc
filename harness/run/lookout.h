// Fires a fault on one node while another is in its window.
//
// The guards of two nodes do not know of each other. So the fault is armed on its node beforehand,
// with its way back, and waits for a word; this side follows the other node's windows as they come
// in and gives the word. Where it fell, on the other node's clock and give or take what the clocks
// leave open, is for the checks to say: this only fires, and tells what it saw when.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "harness/aim/offset.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"
#include "harness/observe/sink.h"

namespace harness::run {

class Lookout {
 public:
  struct Order {
    std::string cluster;
    std::string id;  // of the guard's record on the target
    std::string window;
    aim::Aim aim;  // inside: on from its opening; after: on from its closing
  };

  Lookout(cluster::Node& target, cluster::Node& seen, Order order, observe::Sink sink);
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;
  Lookout(Lookout&&) = delete;
  Lookout& operator=(Lookout&&) = delete;

  const cluster::Node& seen() const { return seen_; }

  // Once the record is armed: windows of the invocation that runs now do not count. Both clocks are
  // asked.
  Status begin(Deadline deadline);
  // Every event of the trial, from any thread; returns at once.
  void saw(const Json& event);
  // Gives no word any more. Empty: it was given; else why not. Both clocks are asked again after a
  // word, so that the two are known at the time of the fault.
  std::string finish();

 private:
  void watch(const std::stop_token& stop);
  void give_word(std::int64_t seen_us, std::int64_t anchor_us);
  void ask_clocks(Deadline deadline);
  void closed(const Json& event);

  cluster::Node& target_;
  cluster::Node& seen_;
  const Order order_;
  const observe::Sink sink_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool begun_ = false;
  std::string baseline_;        // the other node's invocation while arming
  std::int64_t offset_us_ = 0;  // the other node's clock minus ours
  std::int64_t anchor_us_ = 0;  // its opening or closing, on the other node's clock; 0: not yet
  std::int64_t seen_us_ = 0;    // when we learned of it, on ours
  std::string lost_;            // why there is nothing to fire into any more
  bool said_ = false;
  std::jthread thread_;
};

}  // namespace harness::run
