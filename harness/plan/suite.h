// A suite: paths of versions, and a matrix of fault, window, offset and target. suites/README.md
// explains every key.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/aim/sweep.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/base/version.h"

namespace harness::plan {

using Params = std::map<std::string, std::string, std::less<>>;

enum class Expect { pass, fail };
std::string_view to_string(Expect expect);

struct Budget {
  int servers_down = 1;
  Microseconds apiserver_outage = std::chrono::seconds(120);
  Microseconds recovery = std::chrono::seconds(300);
};

// What is known of a fault when planning; the caller fills it from the registry.
struct FaultInfo {
  std::string name;
  bool harmless = false;                                  // `none`
  std::function<Result<Params>(const Params&)> complete;  // defaults filled in, every value checked
  bool stretches = false;  // windows that it is in force in last longer
};

using FaultCatalogue = std::map<std::string, FaultInfo, std::less<>>;

// From 1; zero: not written in the file.
struct Place {
  int line = 0;
  int column = 0;
};

struct Named {
  std::string text;
  Place place;
};

struct Path {
  Version from;
  Version to;
  bool by_reboot = false;  // the operator starts the new version by a reboot of each node
  Expect expect = Expect::pass;
  std::string issue;
  std::vector<std::string> because;  // checks of which one must be what fails; expect: fail only
  std::string fatal;                 // glob that the service's fatal line must match; empty: any
  Place place;                       // of `to`
};

struct FaultChoice {
  std::string name;
  Params params;
  // Where it stretches windows: the same with all its parameters; else empty.
  std::string stretch = {};
  bool with_keys = false;  // values alone do not tell it from another fault of the suite

  std::string describe() const;  // "kill-pod pod=etcd"
};

// An element of `offset`. A sweep's length comes from what was learned; a resolution of 0 is a
// twentieth of it.
struct OffsetChoice {
  aim::Offset at;
  aim::SweepPlan sweep;
  Place place;
};

// An element of `faults`: a further fault of every case that has one.
struct FurtherFault {
  FaultChoice fault;
  Named window;
  OffsetChoice offset;
  Named target;                 // a node's name; empty: the case's own
  Named seen_on;                // the node whose window it is; empty: the target's own
  bool after_previous = false;  // armed once the fault before it was applied and is undone
  bool next_boot = false;       // its window is one of the boot that an earlier fault brings
};

struct Exclusion {
  std::string fault = "*";
  std::string window = "*";
  std::string target = "*";
  std::string path = "*";  // "v1 to v2", globs
  bool keep_one = false;   // leave the first that matches in, per path and target
  std::string reason;
};

struct Suite {
  std::string name;
  std::string file;
  std::string question;
  std::vector<Path> paths;
  std::vector<FaultChoice> faults;
  std::vector<Named> windows;
  std::vector<OffsetChoice> offsets;
  std::vector<Named> targets;
  Named seen_on;  // whose window `windows` are, of the first fault; empty: the target's own
  std::vector<FurtherFault> further;
  std::vector<Exclusion> exclude;
  int hits = 1;
  int attempts = 5;
  Budget budget;
  Place matrix;
};

// What the files of suites may name; the caller fills it from the registries.
struct Catalogue {
  FaultCatalogue faults;
  std::vector<std::string> checks;
};

// Errors carry file, line and column of every mistake; nothing is touched.
Result<Suite> parse_suite(std::string_view text,
                          const std::string& file,
                          const Catalogue& catalogue);
Result<Suite> load_suite(const std::string& path, const Catalogue& catalogue);

}  // namespace harness::plan
