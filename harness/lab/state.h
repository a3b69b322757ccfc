// What a lab is made of, written down before it is made: the record that down() and the next up()
// clean up by.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/address_plan.h"

namespace harness::lab {

struct Record {
  std::string name;
  std::string phase = "coming-up";  // or "up"
  std::string version;              // empty: nothing was installed
  std::string node_os;
  std::string token;  // what agents join with
  bool cis = false;
  AddressPlan plan;
  std::filesystem::path image;     // of the containers
  std::filesystem::path vm_image;  // of the virtual machines; empty where there are none
  std::filesystem::path artifacts;
  std::filesystem::path inventory;
  std::vector<std::filesystem::path> cgroups;  // of all nodes
};

// Where labs are recorded: ${XDG_STATE_HOME:-~/.local/state}/hookshot/lab.
std::filesystem::path state_root();
// A lab's folder there.
std::filesystem::path lab_folder(const std::string& name);
// A node's: upper, console.log, supervisor; a container's work, root and rancher; a virtual
// machine's disks.
std::filesystem::path node_folder(const std::string& lab, const std::string& node);

Json to_json(const Record& record);
Result<Record> record_from_json(const Json& json);

// By a temporary file and a rename, synced to disk.
Status write_record(const Record& record);
// Nothing when the lab has no record.
Result<std::optional<Record>> read_record(const std::string& name);
std::vector<std::string> recorded_names();

// A process, told from a later one with the same id.
struct ProcessId {
  int pid = 0;
  std::string started;  // /proc/<pid>/stat's 22nd field
};

// From the "<pid> <start time>" that scripts/lab/node writes.
std::optional<ProcessId> parse_process_id(std::string_view text);
// The start time in the text of a /proc/<pid>/stat, whatever the program's name contains.
std::string start_time_in(std::string_view stat);
bool is_running(const ProcessId& process);
// A node's supervisor, when it is recorded and runs.
std::optional<ProcessId> running_supervisor(const std::string& lab, const std::string& node);

// Small files. write_file goes by a temporary file and a rename.
std::string read_file(const std::filesystem::path& file);
Status write_file(const std::filesystem::path& file, std::string_view text, unsigned mode = 0644);

}  // namespace harness::lab
