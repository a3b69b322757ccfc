// `journalctl -f` piped to a shell loop that kills the victim: what one would write by hand.
#pragma once

#include <string>

#include "harness/bench/lines.h"
#include "harness/bench/node_scene.h"

namespace harness::bench {

class ShellLoop {
 public:
  ShellLoop() = default;

  ~ShellLoop() { end(); }

  ShellLoop(const ShellLoop&) = delete;
  ShellLoop& operator=(const ShellLoop&) = delete;

  // For the scene's present trial; returns when journalctl follows.
  Status start(const Scene& scene, const Deadline& deadline);
  Result<Note> answer(std::string_view word, const Deadline& deadline);
  void end();

  bool runs() const { return out_ >= 0; }

 private:
  Notes notes_;
  int trial_ = 0;
  int pid_ = -1;
  int out_ = -1;
};

}  // namespace harness::bench
