// What up(), down() and status() do to this machine and ask of nodes.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/exec/runner.h"
#include "harness/lab/cgroup.h"
#include "harness/lab/lab.h"
#include "harness/lab/state.h"

namespace harness::lab {

// What this machine lacks for a lab, every gap in one error. `os_release` is the text of
// /etc/os-release; `has_program` looks in PATH.
Status check_host(bool root,
                  std::string_view os_release,
                  CgroupMode cgroups,
                  const std::function<bool(const std::string&)>& has_program);
Status check_this_host();

std::vector<Hierarchy> hierarchies_here();

// Runs a command on this machine; a non-zero exit is an error with its words.
Result<std::string> must_run(const std::vector<std::string>& argv, std::chrono::seconds within);

// OpenSSH's words to a node, by the lab's key and pinned host keys and nothing of the user's own.
std::vector<std::string> ssh_words(const std::filesystem::path& folder, const NodePlan& node);
// Runs words as root on a node. The words may hold only characters that no shell reads twice;
// internal error else.
Result<exec::CommandResult> on_node(const std::filesystem::path& folder,
                                    const NodePlan& node,
                                    const std::vector<std::string>& words,
                                    std::chrono::seconds within);

// Only one up() or down() of a lab at a time. Held until destroyed. refused when another has it.
class LabLock {
 public:
  static Result<LabLock> take(const std::filesystem::path& labs, const std::string& name);
  LabLock(LabLock&& other) noexcept;
  LabLock& operator=(LabLock&&) = delete;
  ~LabLock();

 private:
  explicit LabLock(int fd) : fd_(fd) {}

  int fd_ = -1;
};

std::string read_text(const std::filesystem::path& file);
Status write_text(const std::filesystem::path& file, std::string_view text, int mode);

// The supervisor of a node, when it is there and lives.
bool supervised(const std::filesystem::path& node_folder);

// down() without its lock. True when there was something.
Result<bool> take_down(const Folders& folders, const std::string& name, const Progress& progress);

// Installs record.version by the release's own script and waits until every node is Ready.
Status install_and_wait(const Record& record,
                        const std::filesystem::path& folder,
                        Deadline ready_by,
                        const Progress& progress,
                        const std::stop_token& stop);

}  // namespace harness::lab
