// The facts of one node, live: runs `guard watch` on a thread, tags each fact with the node's name,
// and says when windows open and close.
//
// When the connection drops or the node reboots, it connects again by itself, recognises the boot
// by its id, and goes on after the last line seen, by its place in the journal and not by any
// clock: nothing is lost and nothing comes twice. What the node could not read it says itself
// (journal-problem, container-problem, process-problem), and that is passed on. Each (re)connection
// also puts `node.facts` with the clock's offset.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness/cluster/node.h"
#include "harness/event/span.h"
#include "harness/observe/sink.h"

namespace harness::observe {

// Asks the node for its facts and its clock; an event of type node.facts.
Result<Json> node_facts(cluster::Node& node, const std::string& cluster, Deadline deadline);

class NodeStream {
 public:
  struct Options {
    std::string cluster;
    std::vector<event::WindowDef> windows;
    // Where the journal is read from, on the node's clock; 0 is now.
    std::int64_t since_wall_us = 0;
    // How long one attempt to connect again may take; there is no limit to their number.
    std::chrono::milliseconds reconnect_attempt = cluster::kReconnectAttempt;
  };

  // The thread starts at once; the sink gets events until stop() returns.
  NodeStream(cluster::Node& node, Options options, Sink sink);
  ~NodeStream();
  NodeStream(const NodeStream&) = delete;
  NodeStream& operator=(const NodeStream&) = delete;
  NodeStream(NodeStream&&) = delete;
  NodeStream& operator=(NodeStream&&) = delete;

  // Waits until the stream of the present boot delivers, so that what happens from now on is seen.
  Status wait_live(Deadline deadline);
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::jthread thread_;
};

}  // namespace harness::observe
