// Which instants of a window were tried, what came of each, and what was never hit. Pure: trials
// in, tables out, as text and as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/verdict.h"

namespace harness::report {

// One trial as these tables see it.
struct Instant {
  std::string hop;    // "v1 to v2"
  std::string fault;  // with its parameters
  std::string window;
  std::string target;                      // node
  std::string seen_on = {};                // the node whose window it is; empty: the target's own
  bool stretched = false;                  // never counted with natural ones
  std::optional<std::int64_t> planned_us;  // from the window's opening
  std::optional<std::int64_t> landed_us;   // empty: no effect inside the invocation was proved
  std::int64_t length_us = 0;              // the window's own length in this trial
  std::int64_t learned_us = 0;             // its usual length; a fault may make it last longer
  bool before = false;                     // aimed before the window on purpose
  bool after = false;                      // or after it
  bool hit = false;                        // where it was aimed: inside, before or after
  check::Verdict verdict = check::Verdict::unproven;
  std::optional<double> recovery_s;

  // A hit of which it is not known whether it was survived: facts are missing.
  bool unproven_hit() const { return hit && verdict == check::Verdict::unproven; }
};

// The parameters of a fault as these tables write them, each after a blank.
std::string parameters_text(const Json& params);

// Every aimed trial of a run that was judged; one that ended in an error, or that the node could
// not do at all, is no instant.
std::vector<Instant> instants_of(const std::vector<check::CaseVerdict>& cases);

// A window and fault on one hop and target; trials in another node's window have a map of their
// own. Buckets of equal width over the window, and one each for what was aimed before and after it:
// however long this window was, a hit after it is none inside it.
struct InstantMap {
  std::string hop;
  std::string fault;
  std::string window;
  std::string target;
  std::string seen_on;
  bool stretched = false;
  std::int64_t length_us = 0;  // what was learned, else the median of the trials' own
  std::int64_t bucket_us = 0;

  struct Bucket {
    int hits = 0;  // judged
    int fails = 0;
    int misses = 0;    // aimed here, landed nowhere or elsewhere
    int unproven = 0;  // landed here without enough facts to judge them
    double longest_recovery_s = 0;
  };

  Bucket before;
  std::vector<Bucket> inside;
  Bucket after;
  std::int64_t largest_gap_us = 0;         // inside, without a judged hit
  std::vector<std::int64_t> failed_at_us;  // instants that were not survived
};

std::vector<InstantMap> instant_maps(const std::vector<Instant>& instants, int buckets = 20);

// What the signs of the text mean.
inline constexpr const char* kMapLegend =
    "One sign for just before the window, one for each of its equal parts, one for after it: `o` "
    "hit and survived, `X` hit and not survived, `?` hit without enough facts to tell which, `-` "
    "aimed at and only missed, `.` never aimed at.";

// Per map its signs in one line, then each part that was aimed at with its counts and the longest
// recovery of kube-apiserver after a hit there.
std::string to_text(const InstantMap& map);
std::string to_text(const std::vector<InstantMap>& maps);
Json to_json(const std::vector<InstantMap>& maps);

}  // namespace harness::report
