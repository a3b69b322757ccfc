// The state of one unit as systemd gives it, without ever waiting for it: `systemctl show` runs as
// a child whose pipe is read when it has something. It is asked every ten seconds, and at once when
// news() says that systemd wrote about the unit. The stamp of a fact is systemd's own of the
// unit's last change of state, not the moment of asking.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <poll.h>

#include "harness/guard/file_watch.h"

namespace harness::guard {

class UnitWatch {
 public:
  // `show`: the command that prints the unit's properties; empty: systemctl.
  explicit UnitWatch(std::string unit, std::vector<std::string> show = {});
  ~UnitWatch();
  UnitWatch(const UnitWatch&) = delete;
  UnitWatch& operator=(const UnitWatch&) = delete;

  // systemd said something about the unit: ask now, and once more when it has settled.
  void news();
  // Facts `unit` {active, sub, result, invocation, main_pid, n_restarts, exec_status}, each state
  // once; the first one is marked "initial".
  void poll(const Take& take);
  void wait_on(std::vector<pollfd>& watched) const;

 private:
  void ask(std::int64_t at);
  void tell(const Take& take);
  void abandon();

  const std::string unit_;
  const std::vector<std::string> show_;
  int child_ = -1;
  int pipe_ = -1;
  std::string text_;
  std::int64_t asked_at_ = 0;
  std::int64_t next_at_ = 0;
  std::int64_t settled_at_ = 0;
  Json last_;
};

}  // namespace harness::guard
