// The processes that have no unit of their own: rke2, and containerd and kubelet, which it starts.
//
// Found in the unit's cgroup by the name of the file that they run, exactly, and then held by a
// pidfd, which tells the instant of the end. A child that rke2 has forked and that runs nothing of
// its own yet is not told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <poll.h>

#include "harness/base/time.h"
#include "harness/guard/file_watch.h"

namespace harness::guard {

class ProcessWatch {
 public:
  struct Options {
    std::string unit;
    // The unit's cgroup; the first that exists is taken. Empty: the machine's own, v2 or v1.
    std::vector<std::string> cgroups;
    std::function<int(int)> open_pidfd = pidfd_open;
    // How often the cgroup is read; ends are told at once.
    Microseconds period{5000};
  };

  explicit ProcessWatch(Options options);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // Facts `process` {op: started | exited, name, pid, start_ticks}; what is there at the first call
  // is marked "initial". Once `process-problem` {line} when the kernel gives no pidfd.
  void poll(const Take& take);
  void wait_on(std::vector<pollfd>& watched) const;

 private:
  struct Process {
    std::string name;
    int pidfd = -1;
    std::int64_t start_ticks = 0;
  };

  std::string list() const;
  void adopt(int pid, const Now& stamp, const Take& take);
  void reap(const Take& take);
  void tell(int pid, const Process& process, const char* op, const Now& stamp, const Take& take);

  Options options_;
  std::map<int, Process> running_;
  std::string listed_;                // the cgroup as it was read last
  std::int64_t young_until_ = 0;      // as long as one of it may yet become ours
  std::map<int, std::int64_t> seen_;  // since when each pid of the cgroup is known
  std::int64_t looked_at_ = 0;
  bool began_ = false;
  bool told_problem_ = false;
};

}  // namespace harness::guard
