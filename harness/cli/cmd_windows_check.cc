// windows check: a journal against the packs, from a file or from the nodes' last starts.

#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/planning.h"
#include "harness/cli/session.h"
#include "harness/drift/known.h"
#include "harness/drift/render.h"
#include "harness/journal/entry.h"

namespace harness::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Options {
  std::string file;
  std::string inventory;
  std::string since = "24h";
  std::string report;
  int last = 50;
  bool json = false;
};

struct Checked {
  drift::Source source;
  std::deque<drift::Invocation> invocations;
};

Result<std::unique_ptr<drift::Survey>> survey(const Options& options) {
  TRY_ASSIGN(drift::Packs packs, drift_packs(), "windows");
  return std::make_unique<drift::Survey>(std::move(packs), static_cast<std::size_t>(options.last));
}

Result<Checked> check_file(const Options& options) {
  TRY_ASSIGN(const std::unique_ptr<drift::Survey> into, survey(options), "check");
  TRY_ASSIGN(const journal::ReadReport read,
             journal::read(options.file, [&](const journal::Entry& entry) { into->feed(entry); }),
             "check");
  Checked out{.source = {.what = fmt::format("{} ({})", options.file, to_string(read.form)),
                         .entries = read.entries,
                         .unreadable = read.unreadable,
                         .invocations = into->invocations()}};
  out.invocations = into->finish();
  if (out.invocations.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} holds no line of rke2-server or rke2-agent", options.file));
  }
  return out;
}

journal::Entry entry_of(const Json& fact, const std::string& unit) {
  return {.wall_us = json_int(fact, "wall_us"),
          .mono_us = json_int(fact, "mono_us"),
          .boot_id = json_string(fact, "boot_id"),
          .invocation = json_string(fact, "invocation"),
          .unit = unit,
          .ident = json_string(fact, "ident"),
          .pid = json_int(fact, "pid"),
          .message = json_string(fact, "line")};
}

// The guard hands over the journal since then, and then the first of its clock facts.
Result<Checked> check_node(const Options& options,
                           cluster::Node& node,
                           const std::string& cluster) {
  TRY_ASSIGN(const Microseconds since, parse_duration(options.since), "--since");
  TRY_ASSIGN(const std::unique_ptr<drift::Survey> into, survey(options), "check");
  const Deadline deadline = Deadline::after(minutes(5));
  TRY_ASSIGN(const std::unique_ptr<cluster::LineStream> stream,
             node.guard_stream("watch",
                               {{"cluster", cluster},
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
      ++out.source.entries;
      into->feed(entry_of(*fact, node.unit()));
    }
    out.source.unreadable += type == "journal-problem" ? 1 : 0;
  }
  out.source.invocations = into->invocations();
  out.invocations = into->finish();
  return out;
}

Result<std::vector<Checked>> check_all(const Options& options) {
  std::vector<Checked> out;
  if (options.inventory.empty()) {
    TRY_ASSIGN(Checked checked, check_file(options), "windows");
    out.push_back(std::move(checked));
    return out;
  }
  TRY_ASSIGN(const Connected connected, connect(options.inventory), "windows check");
  for (cluster::Node* node : connected.cluster->nodes()) {
    TRY_ASSIGN(Checked checked, check_node(options, *node, connected.cluster->name()), "windows");
    out.push_back(std::move(checked));
  }
  return out;
}

Result<int> check(const Options& options) {
  if (options.file.empty() == options.inventory.empty()) {
    return fail(ErrorCode::invalid_input, "windows check takes a journal's file, or -i INVENTORY");
  }
  TRY_ASSIGN(const std::vector<Checked> all, check_all(options), "check");
  Json json = Json::array();
  std::string report;
  bool drifts = false;
  for (const Checked& one : all) {
    drifts = drifts || drift::drifts(one.invocations);
    report += drift::to_report(one.source, one.invocations, "hookshot " HOOKSHOT_VERSION);
    if (options.json) {
      json.push_back(drift::to_json(one.source, one.invocations));
    } else {
      fmt::print("{}", drift::to_text(one.source, one.invocations));
    }
  }
  if (options.json) {
    fmt::print("{}\n", json.dump(2));
  }
  if (!options.report.empty()) {
    std::ofstream out(options.report, std::ios::trunc);
    out << report;
    out.close();
    if (!out) {
      return fail(ErrorCode::invalid_input, options.report + " cannot be written");
    }
  }
  return drifts ? kFailed : kPassed;
}

}  // namespace

void add_windows_check(CLI::App& windows, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = windows.add_subcommand(
      "check", "Hold a journal against the packs: lengths, missing markers, unexplained lines");
  verb->add_option("file",
                   options->file,
                   "A journal file, or what journalctl -o json, export or short... printed");
  verb->add_option("-i,--inventory", options->inventory, "Read the nodes' own journals instead");
  verb->add_option("--since", options->since, "With -i: how far back")->capture_default_str();
  verb->add_option("--last", options->last, "Show the last N invocations")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--report", options->report, "Write what differs to this file, to be sent");
  verb->add_flag("--json", options->json, "As JSON");
  verb->footer("Exit status: 0 nothing differs, 1 the packs and the journal differ.");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = check(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
