// Window packs: the windows that a start of RKE2 has, release by release. A file in suites/windows
// says for which release lines it holds; in memory there is one pack per line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/version.h"
#include "harness/event/span.h"
#include "harness/inventory/inventory.h"

namespace harness::plan {

// A release tag or the front of one: v1.34, v1.30.13, v1.30.13-rc1, v1.30.13-rc1+rke2r1. What is
// left off means all of it, so v1.30.13 holds its candidates and every revision.
struct Bound {
  std::string text;
  Version lowest;
  Version highest;

  static Result<Bound> parse(std::string_view text);

  const std::string& tag() const { return text; }
};

struct WindowPack {
  std::string file;
  std::string line;  // "1.30"

  struct Entry {
    event::WindowDef window;
    std::string role;       // server, agent
    std::string condition;  // of inventory::known_conditions(); empty: always
    std::optional<Bound> from;
    std::optional<Bound> to;  // inclusive
    std::string usual_length;
    bool optional = false;       // not in every start, whatever the set-up
    bool may_stay_open = false;  // a start that goes well may end inside it
    enum class Starts { all, first, later, not_joining };
    Starts starts = Starts::all;  // of a node's database

    bool holds_for(const Version& version) const;
  };

  std::vector<Entry> entries;
};

// One pack per line that the file names.
Result<std::vector<WindowPack>> parse_packs(std::string_view text, const std::string& file);
// All files of a directory; the packs of one line become one.
Result<std::vector<WindowPack>> load_packs(const std::string& directory);

// invalid_input names the lines that there are when none holds for the version.
Result<const WindowPack*> pack_for(const std::vector<WindowPack>& packs, const Version& version);
// The windows of a version on nodes of a role.
Result<std::vector<event::WindowDef>> windows_for(const std::vector<WindowPack>& packs,
                                                  const Version& version,
                                                  std::string_view role);
// The same on one node, without those of servers in the other place: their markers come on it, too,
// and say nothing there. Whether another condition holds the node itself shows.
Result<std::vector<event::WindowDef>> windows_on(const std::vector<WindowPack>& packs,
                                                 const Version& version,
                                                 std::string_view role,
                                                 const inventory::Conditions& of_node);

}  // namespace harness::plan
