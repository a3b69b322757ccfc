// The files of the system journal: which one journald writes now, which ones it has put away.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/guard/journal_file.h"

namespace harness::guard {

// /var/log/journal/<machine id> and /run/log/journal/<machine id>.
std::vector<std::string> journal_directories();

// The path of the file that is really live; empty when there is none. Of several (one in /var is
// stale while journald keeps its journal in /run, and the other way round after a flush) it is the
// one with the newest entry of this boot, and the newest by wall time when none has any.
std::string live_journal(const std::vector<std::string>& directories, const std::string& boot_id);

// Archived system journals, those that an unclean end left behind included, in the order in which
// they were written. Files that cannot be read are left out.
std::vector<JournalFile> archived_journals(const std::vector<std::string>& directories);

// How many entries with these sequence numbers, both ends included, are in other journals than the
// system's: journald counts the lines of users in the same row.
std::uint64_t entries_of_users(const std::vector<std::string>& directories,
                               const std::string& seqnum_id,
                               std::uint64_t from,
                               std::uint64_t to);

}  // namespace harness::guard
