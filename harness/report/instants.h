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
  bool stretched = false;                  // never counted with natural ones
  std::optional<std::int64_t> planned_us;  // from the window's opening
  std::optional<std::int64_t> landed_us;   // empty: no effect inside the invocation was proved
  std::int64_t length_us = 0;              // the window's own length in this trial
  std::int64_t learned_us = 0;             // its usual length; a fault may make it last longer
  bool hit = false;                        // where it was aimed: inside, before or after
  check::Verdict verdict = check::Verdict::unproven;
  std::optional<double> recovery_s;
};

// Every aimed trial of a run that was judged; those that ended in an error are no instants.
std::vector<Instant> instants_of(const std::vector<check::CaseVerdict>& cases);

// A window and fault on one hop and target: buckets of equal width over the window, one before and
// one after it.
struct InstantMap {
  std::string hop;
  std::string fault;
  std::string window;
  std::string target;
  bool stretched = false;
  std::int64_t length_us = 0;  // what was learned, else the median of the trials' own
  std::int64_t bucket_us = 0;

  struct Bucket {
    int hits = 0;
    int fails = 0;
    int misses = 0;  // aimed here, landed nowhere or elsewhere
    double longest_recovery_s = 0;
  };

  Bucket before;
  std::vector<Bucket> inside;
  Bucket after;
  std::int64_t largest_gap_us = 0;         // inside, without a hit
  std::vector<std::int64_t> failed_at_us;  // instants that were not survived
};

std::vector<InstantMap> instant_maps(const std::vector<Instant>& instants, int buckets = 20);

// A cell of window x fault x target x hop, planned or not.
struct CoverageRow {
  std::string hop;
  std::string fault;
  std::string window;
  std::string target;
  int trials = 0;
  int hits = 0;
  int fails = 0;
  int misses = 0;
};

// Every combination of the windows, faults, targets and hops that occur; those never hit have no
// hits. Stretched trials are left out.
std::vector<CoverageRow> coverage(const std::vector<Instant>& instants);

// One line per map: `|.` nothing, `o` survived, `X` not survived, `-` only misses`|`.
std::string to_text(const std::vector<InstantMap>& maps);
std::string to_text(const std::vector<CoverageRow>& rows);
Json to_json(const std::vector<InstantMap>& maps);
Json to_json(const std::vector<CoverageRow>& rows);

}  // namespace harness::report
