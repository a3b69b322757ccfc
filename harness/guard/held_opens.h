// Opens of one file that the kernel holds back, asking us for permission (fanotify).
//
// They wait for as long as we give no answer; everybody else, and every other file of the
// directory, gets one at once. The descriptor is all there is: when this process ends, however it
// ends, the kernel lets through what waits, and asks nobody any more. Who waits can be killed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness/exec/unique_fd.h"
#include "harness/guard/action_hold.h"

namespace harness::guard {

// not_supported, with the reason, where the kernel asks nobody before it opens a file of this
// directory; touches nothing.
Status check_held_opens(const std::string& directory);

class HeldOpens {
 public:
  struct Options {
    std::string directory;
    std::string file;                     // its name there
    std::chrono::milliseconds hold;       // from its beginning
    std::function<bool(int pid)> is_for;  // whose opens; all others are never held back
  };

  // One opener that waited.
  struct Wait {
    Process opener;
    Now from;
    Now to;                    // mono_us 0: it still waits
    bool ended = false;        // it was gone before it was let through
    std::string content = {};  // of the first: the file as it will get it, up to 1 MB
  };

  // In force when it returns.
  static Result<std::unique_ptr<HeldOpens>> begin(Options options);
  ~HeldOpens();
  HeldOpens(const HeldOpens&) = delete;
  HeldOpens& operator=(const HeldOpens&) = delete;

  // When it came into force.
  const Now& began() const { return began_; }

  // The first wait; nothing when none came before its time was over, or `enough` said so.
  std::optional<Wait> first(const std::function<bool()>& enough);
  // Lets everything through and asks for nothing any more; does nothing the second time.
  void end();

  std::vector<Wait> waits() const;
  // Opens that were let through at once.
  int let_through() const;

 private:
  struct Waiting {
    std::size_t wait;
    exec::UniqueFd file;  // by which the kernel knows it
  };

  HeldOpens(Options options, exec::UniqueFd group, exec::UniqueFd wake, const Now& began);

  void serve();
  // False: nothing more can be read.
  bool read_events();
  void judge(int pid, exec::UniqueFd file);
  void allow(const exec::UniqueFd& file) const;
  int milliseconds_left() const;  // 0: its time is over

  const Options options_;
  exec::UniqueFd group_;
  exec::UniqueFd wake_;
  Now began_;
  std::vector<Waiting> waiting_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Wait> waits_;
  int let_through_ = 0;
  std::thread server_;
};

// Whether the process holds back opens of anybody's, by a descriptor such as ours.
bool holds_opens_back(const Process& process, const std::string& proc);

}  // namespace harness::guard
