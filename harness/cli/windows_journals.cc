#include "harness/cli/windows_journals.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "harness/cli/planning.h"
#include "harness/cluster/cluster.h"
#include "harness/guard/journal_reader.h"
#include "harness/journal/entry.h"

namespace harness::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Result<std::unique_ptr<drift::Survey>> survey(
    const JournalOptions& options,
    const std::optional<inventory::Conditions>& conditions = {},
    const std::vector<std::string>& names = {}) {
  TRY_ASSIGN(drift::Packs packs, drift_packs(conditions), "windows");
  return std::make_unique<drift::Survey>(
      std::move(packs), static_cast<std::size_t>(options.last), names);
}

journal::Entry entry_of(const Json& fact, const std::string& unit) {
  std::string line = json_string(fact, "line");
  const bool unreadable = line == guard::kUnreadableField;
  return {.wall_us = json_int(fact, "wall_us"),
          .mono_us = json_int(fact, "mono_us"),
          .boot_id = json_string(fact, "boot_id"),
          .invocation = json_string(fact, "invocation"),
          .unit = unit,
          .ident = json_string(fact, "ident"),
          .pid = json_int(fact, "pid"),
          .message = std::move(line),
          .without_text = unreadable};
}

void finish(drift::Survey& survey, Checked& out) {
  out.invocations = survey.finish();
  out.source.invocations = survey.invocations();
  out.source.unshown = survey.unshown();
}

std::vector<std::string> names_of(const inventory::Inventory& inventory) {
  std::vector<std::string> out;
  for (const inventory::Node& node : inventory.nodes) {
    out.push_back(node.name);
    out.push_back(node.address);
  }
  return out;
}

// The guard hands over the journal since then, and then the first of its clock facts.
Result<Checked> check_node(const JournalOptions& options,
                           Microseconds since,
                           cluster::Node& node,
                           const inventory::Inventory& inventory) {
  TRY_ASSIGN(
      const std::unique_ptr<drift::Survey> into,
      survey(options, inventory.conditions_of(*inventory.find(node.name())), names_of(inventory)),
      "check");
  const Deadline deadline = Deadline::after(minutes(5));
  TRY_ASSIGN(const std::unique_ptr<cluster::LineStream> stream,
             node.guard_stream("watch",
                               {{"cluster", inventory.cluster},
                                {"unit", node.unit()},
                                {"data_dir", node.data_dir()},
                                {"since_wall_us", wall_now_us() - since.count()}},
                               deadline.at_most(seconds(20))),
             "read the journal of " + node.name());
  Checked out{.source = {.what = node.name()}};
  while (true) {
    TRY_ASSIGN(const std::optional<Json> fact,
               stream->next(deadline),
               "read the journal of " + node.name());
    if (!fact) {
      return fail(ErrorCode::timed_out,
                  fmt::format("{} did not hand over its journal within 5 minutes ({} line(s) so "
                              "far); try a shorter --since",
                              node.name(),
                              out.source.entries));
    }
    const std::string type = json_string(*fact, "type");
    if (type == "clock") {
      break;
    }
    if (type == "journal") {
      const journal::Entry entry = entry_of(*fact, node.unit());
      ++out.source.entries;
      out.source.without_text += entry.without_text ? 1 : 0;
      into->feed(entry);
    } else if (type == "journal-problem") {
      ++out.source.unreadable;
      out.source.problems.push_back(json_string(*fact, "line"));
      into->lose();
    }
  }
  out.source.to_see_a_start = fmt::format(
      "the journal was read {} back; give a longer --since (720h is a month), or restart {} and "
      "check again",
      options.since,
      node.unit());
  finish(*into, out);
  return out;
}

}  // namespace

Result<Checked> check_file(const JournalOptions& options) {
  TRY_ASSIGN(const std::unique_ptr<drift::Survey> into, survey(options), "");
  TRY_ASSIGN(const journal::ReadReport read,
             journal::read(
                 options.file,
                 [&](const journal::Entry& entry) { into->feed(entry); },
                 [&] { into->lose(); }),
             "");
  Checked out{.source = drift::source_of(options.file, read)};
  finish(*into, out);
  if (out.invocations.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} holds no line of rke2-server or rke2-agent{}{}",
                            options.file,
                            out.source.problems.empty() ? "" : "; ",
                            fmt::join(out.source.problems, "; ")));
  }
  return out;
}

Result<std::vector<Checked>> check_nodes(const JournalOptions& options) {
  TRY_ASSIGN(const Microseconds since, parse_duration(options.since), "--since");
  TRY_ASSIGN(const inventory::Inventory inventory, inventory::load(options.inventory), "inventory");
  std::vector<cluster::Unreachable> silent;
  TRY_ASSIGN(const std::unique_ptr<cluster::Cluster> connected,
             cluster::Cluster::connect_reachable(inventory, Deadline::after(minutes(1)), silent),
             "windows check");
  std::vector<Checked> out;
  for (const inventory::Node& known : inventory.nodes) {
    const auto missing = std::ranges::find(silent, known.name, &cluster::Unreachable::node);
    if (missing != silent.end()) {
      out.push_back({.source = {.what = known.name}, .invocations = {}, .error = missing->error});
      continue;
    }
    TRY_ASSIGN(cluster::Node * node, connected->node(known.name), "windows check");
    auto checked = check_node(options, since, *node, inventory);
    out.push_back(
        checked
            ? *std::move(checked)
            : Checked{.source = {.what = known.name}, .invocations = {}, .error = checked.error()});
  }
  return out;
}

}  // namespace harness::cli
