// A table of ours in the node's packet filter (nftables): written in one transaction, read back,
// taken away whole. Nobody else's rules are touched or flushed. Its sets are timed, so that the
// kernel ends what it does though nothing of ours runs any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/guard/action_hold.h"

namespace harness::guard {

// The priority of a chain that goes before everybody else's: raw is -300.
inline constexpr int kFirst = -350;

// hookshot_<id>, with _ for each dash.
std::string table_of(std::string_view record_id);
bool is_table_of_ours(std::string_view name);

// What `nft -f -` is given. Names and rules are of our own making; elements are addresses and ports
// that were validated before.
class TableText {
 public:
  // Fails in the kernel when such a table is there already.
  explicit TableText(std::string table);

  // `lifetime` is each element's; 0: as long as the table.
  void set(std::string_view name,
           std::string_view type,
           const std::vector<std::string>& elements,
           std::chrono::milliseconds lifetime);
  // Named as its hook (input, output, forward, postrouting).
  void chain(std::string_view hook, int priority = kFirst);
  void rule(std::string_view chain, std::string_view text);

  const std::string& table() const { return table_; }

  const std::string& text() const { return text_; }

 private:
  std::string table_;
  std::string text_;
};

struct TableState {
  std::map<std::string, std::vector<std::string>> sets;  // the elements in force, sorted
  std::vector<std::string> hooks;                        // sorted
  std::int64_t packets = 0;                              // that its counting rules have met
};

// not_supported, with what to install, where there is no nft or the kernel has no nf_tables.
Status check_nft(const Means& means);
Status write_table(const TableText& text, const Means& means);
Status add_elements(const std::string& table,
                    std::string_view set,
                    const std::vector<std::string>& elements,
                    std::chrono::milliseconds lifetime,
                    const Means& means);
Result<TableState> read_table(const std::string& table, const Means& means);
// What `nft -j list table` prints.
Result<TableState> table_state_of(const std::string& json);

// The record's way back, for means.note.
Json held_table(const std::string& table);
Result<std::string> release_table(const Json& held, const Means& means);

// Of a record that cannot be read; true when its table is not there, or not any more.
bool remove_table_of(const std::string& record_id, const Means& means);

// All tables, whoever made them: "inet filter". timed_out when nft gives no answer in time,
// not_supported where there is none, or it cannot talk to this kernel.
Result<std::vector<std::string>> all_tables(const Means& means);
// Those that bear our prefix; none where it is not_supported.
Result<std::vector<std::string>> tables_left(const Means& means);

}  // namespace harness::guard
