// One set of windows, followed through one invocation. For the survey alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/drift/said.h"
#include "harness/drift/survey.h"
#include "harness/event/line.h"

namespace harness::drift {

// A line with all that markers ask of it, parsed once.
struct ReadLine {
  const journal::Entry* entry = nullptr;
  event::Line line;
  bool own = false;  // logrus, of the rke2 process: what {log: ...} markers look at
};

class Follower {
 public:
  explicit Follower(const std::vector<Expected>& expected);
  Follower(Follower&&) = default;
  Follower& operator=(Follower&&) = default;
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  ~Follower() = default;

  // True when the line is a marker of some window.
  bool feed(const ReadLine& read);

  // Here an entry may have been that nobody could read: a window that is open may have closed.
  void lose();

  bool any_open() const { return open_ > 0; }

  // Also that it has opened, or that its opening was told again, after all that was lost.
  bool any_surely_open() const;

  // The window that opened last and is open, or empty.
  std::string open_window() const;

  std::vector<WindowSeen> windows() const;
  // Empty when every window that must come came, and every one that must close closed.
  std::vector<std::string> missing(std::optional<StartKind> kind) const;
  std::vector<std::string> not_visible() const;
  Fit fit(std::optional<StartKind> kind) const;

 private:
  struct Track {
    const Expected* expected = nullptr;
    WindowSeen seen;
    bool visible = false;
    bool open = false;
    bool unsure = false;  // its closing may be in what was lost
    std::int64_t opened_us = 0;
  };

  static bool owed(const Track& track, std::optional<StartKind> kind);
  static bool served(const Track& track);

  std::vector<Expected> expected_;
  std::vector<Track> tracks_;
  int open_ = 0;
};

// Whether a journal can show this marker at all.
bool in_journal(const event::Marker& marker);
bool marks(const event::Marker& marker, const ReadLine& read);

}  // namespace harness::drift
