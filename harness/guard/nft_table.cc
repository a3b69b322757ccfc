#include "harness/guard/nft_table.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kLimit{10'000};
constexpr std::string_view kPrefix = "hookshot_";

std::string said_by(const Finished& finished) {
  return finished.timed_out ? fmt::format("no answer in {} s", kLimit.count() / 1000)
                            : one_line(finished.err.substr(0, 300));
}

Result<Finished> nft(const std::vector<std::string>& words,
                     const std::string& input,
                     const Means& means) {
  std::vector<std::string> argv = {"nft"};
  argv.insert(argv.end(), words.begin(), words.end());
  auto asked = means.feed(argv, input, kLimit);
  if (!asked && asked.error().code() == ErrorCode::not_supported) {
    return fail(ErrorCode::not_supported,
                asked.error().message() + "; install the package nftables on it");
  }
  return asked;
}

std::string elements_of(const std::vector<std::string>& elements,
                        std::chrono::milliseconds lifetime) {
  std::vector<std::string> timed;
  for (const std::string& element : elements) {
    timed.push_back(lifetime.count() > 0 ? fmt::format("{} timeout {}ms", element, lifetime.count())
                                         : element);
  }
  return fmt::format("{{ {} }}", fmt::join(timed, ", "));
}

Json list_of(const std::string& text) {
  const auto json = parse_json(text);
  const Json none = Json::array();
  return json && json->is_object() ? json->value("nftables", none) : none;
}

// An element that has a lifetime is an object, any other a bare value.
std::string value_of(const Json& element) {
  if (element.is_object() && element.contains("elem") && element["elem"].is_object()) {
    return value_of(element["elem"].value("val", Json()));
  }
  return element.is_string() ? element.get<std::string>() : element.dump();
}

std::int64_t packets_of(const Json& rule) {
  std::int64_t packets = 0;
  for (const Json& part : rule.value("expr", Json::array())) {
    if (part.is_object() && part.contains("counter") && part["counter"].is_object()) {
      packets += json_int(part["counter"], "packets");
    }
  }
  return packets;
}

Result<bool> is_there(const std::string& table, const Means& means) {
  TRY_ASSIGN(const Finished asked, nft({"-j", "list", "tables"}, "", means), "list tables");
  if (!asked.ok() || !parse_json(asked.out)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("nft list tables: {}; look for table inet {}", said_by(asked), table));
  }
  return std::ranges::any_of(list_of(asked.out), [&](const Json& one) {
    const Json found = one.is_object() ? one.value("table", Json()) : Json();
    return json_string(found, "family") == "inet" && json_string(found, "name") == table;
  });
}

}  // namespace

std::string table_of(std::string_view record_id) {
  std::string name = fmt::format("{}{}", kPrefix, record_id);
  std::ranges::replace(name, '-', '_');
  return name;
}

bool is_table_of_ours(std::string_view name) {
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() && name.size() <= 80 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

TableText::TableText(std::string table)
    : table_(std::move(table)), text_(fmt::format("create table inet {}\n", table_)) {}

void TableText::set(std::string_view name,
                    std::string_view type,
                    const std::vector<std::string>& elements,
                    std::chrono::milliseconds lifetime) {
  text_ += fmt::format("add set inet {} {} {{ type {}; {}}}\n",
                       table_,
                       name,
                       type,
                       lifetime.count() > 0 ? "flags timeout; " : "");
  if (!elements.empty()) {
    text_ +=
        fmt::format("add element inet {} {} {}\n", table_, name, elements_of(elements, lifetime));
  }
}

void TableText::chain(std::string_view hook, int priority) {
  text_ +=
      fmt::format("add chain inet {} {} {{ type filter hook {} priority {}; policy accept; }}\n",
                  table_,
                  hook,
                  hook,
                  priority);
}

void TableText::rule(std::string_view chain, std::string_view text) {
  text_ += fmt::format("add rule inet {} {} {}\n", table_, chain, text);
}

Status check_nft(const Means& means) {
  TRY_ASSIGN(const Finished asked, nft({"-j", "list", "tables"}, "", means), "the packet filter");
  if (asked.ok()) {
    return {};
  }
  return fail(ErrorCode::not_supported,
              fmt::format("nft cannot talk to this kernel: {}; a kernel with nf_tables is wanted "
                          "(`modprobe nf_tables` on the node)",
                          said_by(asked)));
}

Status write_table(const TableText& text, const Means& means) {
  TRY_ASSIGN(const Finished asked, nft({"-f", "-"}, text.text(), means), "write the table");
  if (asked.ok()) {
    return {};
  }
  TRY(check_nft(means), "write table inet " + text.table());
  return fail(ErrorCode::remote_failed,
              fmt::format("nft did not take table inet {}: {}; its kernel may lack a part of "
                          "nf_tables (nft_counter, nft_reject_inet)",
                          text.table(),
                          said_by(asked)));
}

Status add_elements(const std::string& table,
                    std::string_view set,
                    const std::vector<std::string>& elements,
                    std::chrono::milliseconds lifetime,
                    const Means& means) {
  const std::string text =
      fmt::format("add element inet {} {} {}\n", table, set, elements_of(elements, lifetime));
  TRY_ASSIGN(const Finished asked, nft({"-f", "-"}, text, means), "add elements");
  if (asked.ok()) {
    return {};
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("nft: add to set {} of {}: {}", set, table, said_by(asked)));
}

Result<TableState> table_state_of(const std::string& json) {
  TableState out;
  bool seen = false;
  for (const Json& one : list_of(json)) {
    if (!one.is_object()) {
      continue;
    }
    if (one.contains("table")) {
      seen = true;
    } else if (one.contains("set") && one["set"].is_object()) {
      std::vector<std::string>& elements = out.sets[json_string(one["set"], "name")];
      for (const Json& element : one["set"].value("elem", Json::array())) {
        elements.push_back(value_of(element));
      }
      std::ranges::sort(elements);
    } else if (one.contains("chain")) {
      out.hooks.push_back(json_string(one["chain"], "hook"));
    } else if (one.contains("rule") && one["rule"].is_object()) {
      out.packets += packets_of(one["rule"]);
    }
  }
  std::ranges::sort(out.hooks);
  if (!seen) {
    return fail(ErrorCode::remote_failed, "nft lists no table: " + one_line(json.substr(0, 200)));
  }
  return out;
}

Result<TableState> read_table(const std::string& table, const Means& means) {
  TRY_ASSIGN(const Finished asked,
             nft({"-j", "list", "table", "inet", table}, "", means),
             "read table inet " + table);
  if (!asked.ok()) {
    return fail(ErrorCode::remote_failed,
                fmt::format("nft list table inet {}: {}", table, said_by(asked)));
  }
  return table_state_of(asked.out);
}

Json held_table(const std::string& table) {
  return {{"kind", "table"}, {"boot_id", boot_id()}, {"table", table}};
}

Result<std::string> release_table(const Json& held, const Means& means) {
  const std::string table = json_string(held, "table");
  if (!is_table_of_ours(table)) {
    return fail(ErrorCode::internal, "the record names a table that is none of ours");
  }
  TRY_ASSIGN(const bool was_there, is_there(table, means), "take back");
  if (!was_there) {
    return fmt::format("table inet {} is not there", table);
  }
  TRY_ASSIGN(const Finished asked, nft({"delete", "table", "inet", table}, "", means), "take back");
  TRY_ASSIGN(const bool still_there, is_there(table, means), "read back");
  if (still_there) {
    return fail(ErrorCode::remote_failed,
                fmt::format("nft delete table inet {}: {}; it is still there, though its sets end "
                            "by themselves: delete it by hand",
                            table,
                            said_by(asked)));
  }
  return fmt::format("table inet {} is gone, read back", table);
}

bool remove_table_of(const std::string& record_id, const Means& means) {
  const std::string table = table_of(record_id);
  const auto left = tables_left(means);
  const bool stands = left && std::ranges::find(*left, "inet " + table) != left->end();
  return left && (!stands || release_table(held_table(table), means).has_value());
}

Result<std::vector<std::string>> all_tables(const Means& means) {
  const auto asked = nft({"-j", "list", "tables"}, "", means);
  if (!asked || !asked->ok()) {
    const bool silent = asked && asked->timed_out;
    return fail(silent ? ErrorCode::timed_out : ErrorCode::not_supported,
                "nft list tables: " + (asked ? said_by(*asked) : asked.error().message()));
  }
  std::vector<std::string> out;
  for (const Json& one : list_of(asked->out)) {
    const Json found = one.is_object() ? one.value("table", Json()) : Json();
    const std::string name = json_string(found, "name");
    if (!name.empty()) {
      out.push_back(fmt::format("{} {}", json_string(found, "family"), one_line(name)));
    }
  }
  return out;
}

Result<std::vector<std::string>> tables_left(const Means& means) {
  auto all = all_tables(means);
  if (!all) {
    return all.error().code() == ErrorCode::not_supported ? Result<std::vector<std::string>>({})
                                                          : all;
  }
  std::erase_if(*all, [](const std::string& table) {
    return !table.substr(table.find(' ') + 1).starts_with(kPrefix);
  });
  return all;
}

}  // namespace harness::guard
