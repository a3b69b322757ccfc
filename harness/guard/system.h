// What the guard needs of the node's kernel: clocks, durable files, child processes. No shell, no
// libraries.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::guard {

struct Now {
  std::int64_t wall_us = 0;
  std::int64_t mono_us = 0;
};

Now now();
Json to_json(const Now& stamp);  // {"wall_us", "mono_us"}
// /proc/sys/kernel/random/boot_id, dashed; the same for the life of the process.
const std::string& boot_id();

Result<std::string> read_whole(const std::string& path, std::size_t limit = 64U << 20U);
bool there(const std::string& path);

enum class Sync {
  waited,  // on the disk when it returns, also after a power cut
  later    // for a step that must not delay the next
};

// Temporary file, rename: there whole or not at all.
Status write_whole(const std::string& path,
                   std::string_view content,
                   Sync sync = Sync::waited,
                   int mode = 0600);
// One write to a file that is there and cannot be renamed over: the kernel's own in /proc and /sys.
Status write_once(const std::string& path, std::string_view text);
// As write_whole, waited for.
Status write_durable(const std::string& path, std::string_view content, int mode = 0600);
// With the names of the directories that it makes on the disk.
Status make_dir(const std::string& path, int mode = 0700);
// The names in a directory on the disk: what was made, renamed or linked there outlasts a power
// cut.
void sync_directory(const std::string& path);
std::string parent_directory(const std::string& path);

struct Finished {
  int status = 0;
  int signal = 0;
  bool timed_out = false;
  std::string out;
  std::string err;

  bool ok() const { return status == 0 && signal == 0 && !timed_out; }
};

// PATH plus the directories where RKE2 keeps its tools.
std::string find_program(const std::string& name,
                         const std::string& data_dir = "/var/lib/rancher/rke2");
// Runs to its end or the timeout (SIGTERM, then SIGKILL, to its process group). Output is capped at
// 4 MiB each.
Result<Finished> spawn(const std::vector<std::string>& argv,
                       std::chrono::milliseconds timeout,
                       const std::string& input = {});
// Starts and returns at once; -1 and errno on failure. The child is in its own process group.
int start(const std::vector<std::string>& argv,
          int in,
          int out,
          int err,
          const std::map<std::string, std::string>& env = {});

int pidfd_open(int pid);
bool pidfd_kill(int pidfd, int signal);
// True when the process behind the pidfd has ended; waits at most `timeout`.
bool pidfd_wait(int pidfd, std::chrono::milliseconds timeout);
// Of /proc/<pid>/stat as proc(5) counts them, from the third on; empty: no such process.
std::string stat_field(int pid, int field, const std::string& proc = "/proc");
// Field 22 of /proc/<pid>/stat, in clock ticks; 0 when there is no such process.
std::int64_t start_ticks(int pid);
int parent_of(int pid);
std::string comm_of(int pid, const std::string& proc = "/proc");
// The name of the file that it runs, also where an upgrade has replaced that: what it calls itself
// is its own choice. Empty when there is no such process, or it is the kernel's.
std::string program_of(int pid, const std::string& proc = "/proc");

// One JSON line on standard output, whole, at once. False when nobody reads any more.
bool emit(const Json& line);
// The text with each control character as a space: nobody forges a second line with it.
std::string one_line(std::string text);
// One line in the node's own journal under the identifier `hookshot`: what a human debugging the
// node finds.
void audit(const std::string& text);

}  // namespace harness::guard
