// What is recorded of a lab in its folder: state.json, written before anything is made, so that
// what a crash left can be found and taken away; and who supervises a node.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/layout.h"

namespace harness::lab {

struct Record {
  Layout layout;
  std::string version;  // empty: bare
  std::string node_os;
  std::filesystem::path image;
  std::filesystem::path artifacts;  // empty: bare, nothing is shown to the nodes
  std::filesystem::path inventory;
  std::string token;  // the cluster's join secret

  std::filesystem::path node_folder(const std::filesystem::path& lab, std::string_view node) const {
    return lab / "nodes" / node;
  }
};

Json to_json(const Record& record);
Result<Record> record_from_json(const Json& json);

// By a new file and a rename.
Status save(const Record& record, const std::filesystem::path& folder);
// invalid_input when the folder has no record.
Result<Record> load(const std::filesystem::path& folder);

// A process that is told apart from a later one with the same id by when it began.
struct ProcessIdentity {
  int pid = 0;
  std::string start_time;  // field 22 of /proc/<pid>/stat

  bool operator==(const ProcessIdentity&) const = default;
};

// The start time in the text of a /proc/<pid>/stat, whatever its process is called.
std::optional<std::string> parse_start_time(std::string_view stat);
// "<pid> <start time>", as the supervisor writes it.
std::optional<ProcessIdentity> parse_identity(std::string_view text);
bool alive(const ProcessIdentity& process);

// What `hookshot` verbs read: section 4 of the design. `folder` holds key and known_hosts.
std::string inventory_text(const Record& record, const std::filesystem::path& folder);
// A line per node for ssh's known_hosts. `keys` are the nodes' public host keys, in their order.
std::string known_hosts_text(const Layout& layout, const std::vector<std::string>& keys);

}  // namespace harness::lab
