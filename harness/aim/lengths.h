// How long windows last, learned per node, hop and window from starts without faults, and apart
// from them from starts that one fault stretches; kept beside the inventory as
// INVENTORY.lengths.json, with the trials that they were learned from.
//
// A hop is a pair of versions and the way the second one is started; a restart in place is a hop
// from a version to itself. Samples are kept (the last 200 of each), figures are made from them
// when asked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/base/version.h"

namespace harness::aim {

// What makes windows of a node last longer: a fault on that node, from an instant of a window on.
struct Stretch {
  std::string fault = {};   // "slow-service duration=30s percent=10"; empty: nothing does
  std::string window = {};  // in which it begins
  std::string offset = {};  // as a suite writes it
  // Why starts under it cannot be learned alone; empty: they can.
  std::string obstacle = {};

  explicit operator bool() const { return !fault.empty(); }

  std::string text() const;  // "slow-service duration=30s percent=10 in pre+0s"

  auto operator<=>(const Stretch&) const = default;
};

struct Where {
  std::string node;
  std::string from;  // tags
  std::string to;
  bool by_reboot = false;  // the node's; else the service's restart
  Stretch stretch = {};

  // "v1 to v2", "v1 to v2 by reboot"
  std::string hop() const { return hop_text(from, to, by_reboot); }

  auto operator<=>(const Where&) const = default;
};

// What has to be called to learn the lengths of such starts.
std::string how_to_learn(const Where& where);

struct Learned {
  std::size_t samples = 0;
  Microseconds shortest{0};
  Microseconds median{0};
  Microseconds longest{0};
  // Half of the samples lie within this of the median.
  Microseconds spread{0};
  std::string node;  // whose samples they are: another node's when this one has none
};

// The middle of sorted samples and what lies around it; nothing without samples.
std::optional<Learned> figures(std::vector<std::int64_t> samples_us);

// One window of one start: from its opening to its closing, and how long before it each other
// window had opened.
struct Sample {
  std::string window;
  std::int64_t length_us = 0;
  std::map<std::string, std::int64_t> since_us;  // window that opened earlier -> gap
};

// Of each node's windows in a trial's events the first invocation that opened them, which is where
// a trigger meets them, and there the first opening, which fires it: a window may open again, as
// image-import does for each archive. One that its invocation's end cut is no length.
std::map<std::string, std::vector<Sample>> samples_of(const std::vector<Json>& events);

class Lengths {
 public:
  // A file that is not there is an empty set; a broken one is invalid_input.
  static Result<Lengths> load(const std::filesystem::path& file);
  static std::filesystem::path beside(const std::filesystem::path& inventory);

  // There whole or not at all.
  Status save(const std::filesystem::path& file) const;

  void add(const Where& where, const Sample& sample);

  // Whether samples of that trial are in here already.
  bool has(const std::string& run, const std::string& case_name, int trial) const;
  void note(const std::string& run, const std::string& case_name, int trial);

  // An agent's windows are not a server's, where they bear one name: once these are known, only
  // nodes of one role stand in for each other.
  void know_servers(std::set<std::string> names) { servers_ = std::move(names); }

  // This node's samples of the hop under the same stretch; else those of another node of the same.
  std::optional<Learned> length(const std::string& window, const Where& where) const;
  // From the opening of `earlier` to the opening of `window`.
  std::optional<Learned> gap(const std::string& earlier,
                             const std::string& window,
                             const Where& where) const;

  Json to_json() const;

  struct Row {
    Where where;
    std::string window;
    Learned learned;
  };

  std::vector<Row> rows() const;

 private:
  struct Samples {
    std::vector<std::int64_t> lengths_us;
    std::map<std::string, std::vector<std::int64_t>> gaps_us;
  };

  const Samples* find(const std::string& window, const Where& where, std::string& node) const;

  static Status read_rows(const std::string& file, const Json& rows, bool stretched, Lengths& out);

  std::map<Where, std::map<std::string, Samples>> samples_;
  std::optional<std::set<std::string>> servers_;
  std::map<std::string, std::map<std::string, std::set<int>>> learned_from_;  // run, case, trials
};

}  // namespace harness::aim
