// Holds a journal against the window packs and says where they differ: a real cluster shows where
// packs that were written from sources are wrong.
//
// Pure: entries in, a report out. Memory is bounded by the number of invocations that are kept
// (the last `keep`), by the number of hosts that speak, and by the number of different texts that
// are kept; invocations that are not kept are judged all the same.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/version.h"
#include "harness/event/span.h"
#include "harness/journal/entry.h"
#include "harness/plan/pack.h"

namespace harness::drift {

// One window that a pack has for a release.
struct Expected {
  event::WindowDef window;
  bool conditional = false;  // may not be in this start: told when seen, never missed
  // Else it is missed in every start, or only in the first of a node's database, all but that, or
  // all but one in which a server joins.
  using Starts = plan::WindowPack::Entry::Starts;
  Starts starts = Starts::all;
  bool may_stay_open = false;  // then an opening is all that a start owes
  std::string condition;       // that is said to hold on the node, to be told with what is missing
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
  std::vector<std::int64_t> lengths_us;  // of each that closed, in order; at most the first 1000
  bool closed = false;                   // else cut by the end of the invocation, or still open
  bool may_stay_open = false;            // which is nothing to wonder about on this release
  std::string opened_by;
  std::string closed_by;
};

struct Unexplained {
  std::string window;  // in which it first came
  std::string level;   // empty: the line has none
  std::string text;    // digits as #, hosts as [node], redacted, cut
  std::uint64_t count = 0;
};

struct Fit {
  std::string line;
  int seen = 0;  // windows that opened and closed, or need not have
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
  bool ready = false;         // "rke2 [agent] is up and running", or systemd's "Started"
  bool whole = false;         // its beginning is in the journal
  std::string last_words;     // its last fatal or panic line
  bool strange_form = false;  // no line of the service is in a form that markers are held against
  // Lines inside windows, or before it was ready, whose text the journal's form leaves out.
  std::uint64_t without_text = 0;
  std::uint64_t gaps = 0;  // at the same times: places where a line could not be read at all
  std::vector<WindowSeen> windows;
  std::vector<std::string> missing;  // "readyz never closed; wanted log ..."
  // As missing, and as unexplained, where lines without text, or lost ones, may be the markers.
  std::vector<std::string> undecided;
  std::vector<std::string> not_visible;  // windows whose markers no journal shows
  std::vector<Unexplained> unexplained;
  std::uint64_t unexplained_more = 0;  // lines of yet other texts, which are not kept
  std::vector<Fit> fits;

  bool drifts() const {
    return !missing.empty() || !unexplained.empty() || unexplained_more > 0 || !best_pack.empty() ||
           strange_form;
  }

  // Nothing is missing from its start that may have been a marker.
  bool heard_all() const { return without_text == 0 && gaps == 0; }

  // That it does not drift says something: it was seen from its beginning until it was ready.
  bool proves() const { return whole && ready && !pack.empty() && heard_all(); }
};

// Those that are not kept any more: how many there were, and of which kind.
struct Unshown {
  std::uint64_t count = 0;
  std::uint64_t drifted = 0;
  std::uint64_t proved = 0;
  std::uint64_t whole = 0;
  std::uint64_t whole_and_ready = 0;
  std::uint64_t without_text = 0;  // lines of theirs, as Invocation has them
};

class Names;
class Running;

class Survey {
 public:
  // `names`: of nodes, to be left out of all texts, as the journal's own hosts are.
  explicit Survey(Packs packs, std::size_t keep = 50, const std::vector<std::string>& names = {});
  ~Survey();
  Survey(const Survey&) = delete;
  Survey& operator=(const Survey&) = delete;

  void feed(const journal::Entry& entry);
  // In the order of the journal, between the entries: here one may have been that could not be
  // read.
  void lose();
  // Ends the last invocation; in the order of the journal, the last `keep` of them.
  std::deque<Invocation> finish();

  // Invocations that came, also those that are not kept any more.
  std::uint64_t invocations() const { return count_; }

  // Complete after finish().
  const Unshown& unshown() const { return unshown_; }

 private:
  // One that has not ended yet: only the next of its host and unit ends it.
  struct Open {
    std::string host;  // as its last line has it
    std::string unit;
    std::unique_ptr<Running> running;
  };

  Open& open(const journal::Entry& entry);
  void keep(Invocation one);

  const Packs packs_;
  const std::size_t keep_;
  const std::unique_ptr<Names> names_;
  std::vector<Open> open_;  // in the order in which they began
  std::deque<Invocation> done_;
  Unshown unshown_;
  std::uint64_t count_ = 0;
};

}  // namespace harness::drift
