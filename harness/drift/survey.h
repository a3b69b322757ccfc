// Holds a journal against the window packs and says where they differ: a real cluster shows where
// packs that were written from sources are wrong.
//
// Pure: entries in, a report out. Memory is bounded by the number of invocations that are kept
// (the last `keep`) and by the number of different texts that are.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/version.h"
#include "harness/event/span.h"
#include "harness/journal/entry.h"

namespace harness::drift {

// One window that a pack has for a release.
struct Expected {
  event::WindowDef window;
  bool conditional = false;  // holds only for some set-ups: told when seen, never missed
};

// What the survey needs to know of the packs.
struct Packs {
  struct Line {
    std::string name;  // "1.30"
    std::vector<Expected> server;
    std::vector<Expected> agent;
  };

  // The newest release of each line, to find the pack that fits best.
  std::vector<Line> lines;
  // The windows of one release; an error when no pack holds for it.
  std::function<Result<std::vector<Expected>>(const Version&, bool server)> of;
  // Messages that an RKE2 start writes and that mark nothing: globs.
  std::vector<std::string> known;
};

struct WindowSeen {
  std::string window;
  int spans = 0;               // how often it opened
  std::int64_t length_us = 0;  // of the last span that closed; -1: the journal has no times
  bool closed = false;         // else cut by the end of the invocation, or still open
  std::string opened_by;
  std::string closed_by;
};

struct Unexplained {
  std::string window;  // in which it first came
  std::string level;
  std::string text;  // digits as #, redacted, cut
  std::uint64_t count = 0;
};

struct Fit {
  std::string line;
  int seen = 0;  // windows that opened and closed
  int wanted = 0;
};

struct Invocation {
  std::string id;
  std::string boot_id;
  std::string unit;
  std::string build;  // tag; empty when the service never said
  std::string commit;
  std::string pack;       // the line whose windows were expected; empty: none holds
  std::string best_pack;  // the line that fits best, when that is another one
  std::int64_t started_wall_us = 0;
  std::uint64_t lines = 0;
  bool ready = false;      // "rke2 [agent] is up and running"
  bool whole = false;      // its beginning is in the journal
  std::string last_words;  // its last fatal or panic line
  std::vector<WindowSeen> windows;
  std::vector<std::string> missing;      // "readyz never closed; wanted log ..."
  std::vector<std::string> not_visible;  // windows whose markers no journal shows
  std::vector<Unexplained> unexplained;
  std::vector<Fit> fits;

  bool drifts() const { return !missing.empty() || !unexplained.empty() || !best_pack.empty(); }
};

class Survey {
 public:
  explicit Survey(Packs packs, std::size_t keep = 50);
  ~Survey();
  Survey(const Survey&) = delete;
  Survey& operator=(const Survey&) = delete;

  void feed(const journal::Entry& entry);
  // Ends the last invocation; in the order of the journal.
  std::deque<Invocation> finish();

  // Invocations that came, also those that are not kept any more.
  std::uint64_t invocations() const { return count_; }

 private:
  class Running;

  const Packs packs_;
  const std::size_t keep_;
  std::map<std::string, std::unique_ptr<Running>> running_;  // by unit
  std::deque<Invocation> done_;
  std::uint64_t count_ = 0;
};

}  // namespace harness::drift
