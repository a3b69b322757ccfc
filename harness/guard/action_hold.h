// Harm that lasts until it is taken back: processes that are frozen, a service that is stopped or
// slowed, a manifest that is away. What the way back needs is kept in the record before the harm is
// done, so that the undo works whoever dies in between. A reboot takes it back by itself, but for
// what is on the disk: that, the boot unit takes back before rke2 begins.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/guard/action.h"
#include "harness/guard/reach.h"

namespace harness::guard {

struct Process {
  int pid = 0;
  std::int64_t start_ticks = 0;
  bool operator==(const Process&) const = default;
};

// What is known of a unit's main process from before.
struct Main {
  std::string unit;
  Process process;
};

// How the node's own tools are asked, apart from the world for tests.
struct Means {
  // Keeps what the undo needs, with the record.
  std::function<Status(const Json& held)> note;
  std::function<Result<Finished>(const std::vector<std::string>& argv)> run;
  // The same, with this text on its standard input and a limit of its own.
  std::function<Result<Finished>(const std::vector<std::string>& argv,
                                 const std::string& input,
                                 std::chrono::milliseconds limit)>
      feed = {};
  std::function<std::vector<Reach>(const std::vector<Endpoint>& all)> reach = {};
  std::string proc = "/proc";
  std::string resolver = "/etc/resolv.conf";
  // Saves the moment the time in which systemd answers; asked again once that process is gone.
  std::optional<Main> known = {};
  // The file for what stood there before, of this record alone.
  std::string before = {};
};

Means means_of(std::function<Status(const Json& held)> note = {}, std::string before = {});

// What the trigger goes on with while the fault lasts; with its end ends what only it keeps up.
class Standing {
 public:
  Standing() = default;
  Standing(const Standing&) = delete;
  Standing& operator=(const Standing&) = delete;
  virtual ~Standing() = default;
  // Does what is due at this moment of the monotonic clock; when to come again.
  virtual std::int64_t step(std::int64_t mono_us) = 0;

  // Its time is over, and the undo is asked for next.
  virtual void over() {}
};

struct Struck {
  Deed deed;
  std::unique_ptr<Standing> standing;  // null: nothing but the undo
};

// invalid_input: what a record holds for its undo names something that arming would not have, and
// so nothing was touched. `remedy`: what to do on the node instead.
Error damaged(std::string_view field,
              std::string_view value,
              std::string_view why,
              std::string_view remedy);

// Is the unit that a record names one that arming takes?
Status check_held_unit(const std::string& unit);

// not_supported, with the reason and what to install, where this node cannot do it at all; touches
// nothing.
Status check_means(const ArmRecord& record, const Means& means);

// Does what record.action says, of what lasts or is done to a process. An error is no proof; the
// caller releases what may have been done by then.
Result<Struck> strike(const ArmRecord& record,
                      const ContainerWatch& containers,
                      const Means& means);

// A signal to exactly this process, never to one that got its pid later.
bool signal_to(const Process& process, int signal);
// What a record keeps of processes that are, or will be, stopped.
Json held_of(const std::string& what, const std::vector<Process>& processes);

// The processes whose cgroup bears this container's id.
std::vector<Process> processes_of(const std::string& container, const std::string& proc);
// T when stopped, as /proc/<pid>/stat has it; '-' when it is not that process any more.
char state_of(const Process& process);

// SIGSTOP to everything `list` finds, until it finds nothing new; proved by state T of each.
Result<Deed> freeze(const std::string& what,
                    const std::function<std::vector<Process>()>& list,
                    const Means& means,
                    std::chrono::milliseconds limit = std::chrono::seconds(5));
Result<Deed> freeze_container(const ArmRecord& record,
                              const ContainerWatch& containers,
                              const Means& means);
// SIGKILL to exactly this process, and its end read back.
Result<Deed> kill_proved(const std::string& what, const Process& target);
// kubelet or containerd as rke2 has started it, by its parent and the name of its program: frozen
// or killed.
Result<Deed> strike_child(const ArmRecord& record, const Means& means);
// The unit's main process frozen or killed, or the unit stopped, as action.how says.
Result<Deed> strike_service(const ArmRecord& record, const Means& means);
// CPUQuota of the unit's cgroup, as a property of this boot. not_supported where the unit has a
// quota of its own, or the kernel has no cpu controller for it; nothing is then left of the try.
Result<Deed> slow_service(const ArmRecord& record, const Means& means);

// What kind of container this node is, as systemd has it; empty: it is none.
Result<std::string> container_of(const Means& means);
// Runs it to its end; an error tells its first two words and what it said.
Status asked(const Means& means, const std::vector<std::string>& argv);
// One line of `systemctl show`.
Result<std::string> unit_property(const Means& means, const std::string& unit, const char* name);
Result<Process> main_process(const Means& means, const std::string& unit);

Result<std::string> release_frozen(const Json& held);
Result<std::string> release_stopped(const Json& held, const Means& means);
Result<std::string> release_slowed(const Json& held, const Means& means);
// Takes back what a record holds and reads it back; says what was done. Safe to run twice. An
// error: something of it is left.
Result<std::string> release(const Json& held, const Means& means);

}  // namespace harness::guard
