// What the benchmark sets up on the node, and takes away again: the unit that writes the lines, a
// container that is only a bundle and a process, and between them the FIFOs.
#pragma once

#include <string>

#include "harness/base/time.h"
#include "harness/bench/lines.h"
#include "harness/bench/node_container.h"

namespace harness::bench {

class Scene {
 public:
  Scene() = default;
  // Takes everything away.
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Also removes what a run that was killed has left.
  Status set_up(const std::string& run);
  // A bundle such as containerd's shim leaves, whose process is the victim; its pid.
  Result<int> make_victim();
  // A container of containerd's own instead; its first process.
  Result<int> make_container(const std::string& data_dir);
  // Starts the unit; returns when its logger waits for orders of this trial.
  Status begin(int trial);
  Status order(const Note& note);
  // What the logger says next under this word, in time.
  Result<Note> answer(std::string_view word, const Deadline& deadline);
  // Ends the unit and the victim.
  Status end();

  const std::string& run() const { return run_; }

  int trial() const { return trial_; }

  int victim() const { return victim_; }

  int victim_pidfd() const { return pidfd_; }

  int back() const { return back_; }

  Notes& notes() { return notes_; }

 private:
  void take_away();

  std::string run_;
  Notes notes_;
  RealContainer container_;
  int trial_ = 0;
  int go_ = -1;
  int back_ = -1;
  int victim_ = -1;
  int pidfd_ = -1;
  bool set_up_ = false;
};

}  // namespace harness::bench
