// One run at a time per cluster: a lease on the first server, renewed by a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"

namespace harness::cluster {

struct LeaseTerms {
  std::string cluster;
  std::string holder;  // who and where: default_holder()
  std::string epoch;   // one value per run, so that a restarted run is somebody else
  std::chrono::milliseconds ttl{60'000};
  std::chrono::milliseconds renew_every{15'000};
};

// "user@host pid 4711"
std::string default_holder();

class Lease {
 public:
  // refused: somebody else's lease is live; the message has its holder and age, and how to go on.
  static Result<std::unique_ptr<Lease>> acquire(Node& first_server,
                                                LeaseTerms terms,
                                                Deadline deadline);
  // Releases when release() was not called, for at most two seconds; the lease ends by itself
  // otherwise.
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // An error once the lease is lost: taken over by somebody else (refused), or not renewed within
  // its time (unreachable, timed_out). While the node is away and time is left, the lease holds.
  Status held() const;
  // After the renewal that may be on its way, so that none takes the lease back.
  Status release(Deadline deadline);

 private:
  Lease(Node& node, LeaseTerms terms);
  void renew_until(const std::stop_token& stop);

  Node& node_;
  const LeaseTerms terms_;
  mutable std::mutex mutex_;
  SteadyTime good_until_;
  std::optional<Error> problem_;  // of the last renewal
  bool released_ = false;
  std::jthread renewal_;
};

}  // namespace harness::cluster
