// Suites and window packs in, cases out. Pure: no node is touched, no chance is used but the
// seed's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/base/version.h"
#include "harness/event/span.h"
#include "harness/inventory/inventory.h"

namespace harness::plan {

using Params = std::map<std::string, std::string, std::less<>>;

enum class Expect { pass, fail };
std::string_view to_string(Expect expect);

struct Budget {
  int servers_down = 1;
  Microseconds apiserver_outage = std::chrono::seconds(120);
  Microseconds recovery = std::chrono::seconds(300);
};

// One version's windows, from the packs.
struct WindowPack {
  std::string file;
  std::string line;  // "1.30"

  struct Entry {
    event::WindowDef window;
    std::string role;       // server, agent
    std::string condition;  // e.g. "profile: cis"; empty: always
    std::optional<Version> from;
    std::optional<Version> to;  // inclusive
    std::string usual_length;
  };

  std::vector<Entry> entries;
};

Result<WindowPack> parse_pack(std::string_view text, const std::string& file);
// All packs of a directory, by file name.
Result<std::vector<WindowPack>> load_packs(const std::string& directory);
// The windows of a version. invalid_input names the packs that there are when none holds for it.
Result<std::vector<event::WindowDef>> windows_for(const std::vector<WindowPack>& packs,
                                                  const Version& version);

// What is known of a fault when planning; the caller fills it from the registry.
struct FaultInfo {
  std::string name;
  bool harmless = false;                                  // `none`
  std::function<Result<Params>(const Params&)> complete;  // defaults filled in, every value checked
};

using FaultCatalogue = std::map<std::string, FaultInfo, std::less<>>;

struct Path {
  Version from;
  Version to;
  Expect expect = Expect::pass;
  std::string issue;
};

struct FaultChoice {
  std::string name;
  Params params;
  std::string describe() const;  // "kill-pod pod=etcd"
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
  std::vector<std::string> windows;
  std::vector<Microseconds> offsets;
  std::vector<std::string> targets;
  std::vector<Exclusion> exclude;
  int hits = 1;
  int attempts = 5;
  Budget budget;
};

// Errors carry file, line and column of every mistake; nothing is touched.
Result<Suite> parse_suite(std::string_view text,
                          const std::string& file,
                          const FaultCatalogue& faults);
Result<Suite> load_suite(const std::string& path, const FaultCatalogue& faults);

// One cell of the matrix. The name is the same for the same cell in every run: no seed, time or
// host in it.
struct Case {
  std::string name;
  std::string suite;
  std::size_t index = 0;
  Version from;
  Version to;
  Expect expect = Expect::pass;
  std::string issue;
  std::string fault;
  Params params;
  event::WindowDef window;                // empty name: no window (fault none)
  std::vector<event::WindowDef> windows;  // all that the version has, to be watched
  Microseconds offset{0};
  std::string target;  // node name
  int hits = 1;
  int attempts = 5;
  Budget budget;

  Json to_json() const;
};

struct Excluded {
  std::string name;
  std::string reason;
};

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Case> cases;
  std::vector<Excluded> excluded;

  Json to_json() const;
};

struct PlanOptions {
  std::uint64_t seed = 0;
  bool shuffle = false;      // order drawn from the seed, else the suites' own
  std::string filter = "*";  // glob over case names
};

Result<Plan> make(const std::vector<Suite>& suites,
                  const inventory::Inventory& inventory,
                  const std::vector<WindowPack>& packs,
                  const PlanOptions& options);

}  // namespace harness::plan
