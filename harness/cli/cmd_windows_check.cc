// windows check: a journal against the packs, from a file or from the nodes' last starts.

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "harness/base/redact.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/windows_journals.h"
#include "harness/drift/render.h"

namespace harness::cli {
namespace {

struct Options {
  JournalOptions journals;
  std::string report;
  bool json = false;
};

// What --report names. It is opened before anything is read, so that nobody waits for what cannot
// be kept, and holds what it held until there is something to write.
class ReportFile {
 public:
  explicit ReportFile(std::string path) : path_(std::move(path)) {}

  ~ReportFile() {
    std::error_code problem;
    if (made_ && !written_) {
      std::filesystem::remove(path_, problem);
    }
  }

  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  Status open() {
    std::error_code problem;
    const bool there = path_.empty() || std::filesystem::exists(path_, problem);
    TRY(put("", std::ios::app), "");
    made_ = !there;
    return {};
  }

  Status write(const std::string& text) {
    written_ = true;
    return put(text, std::ios::trunc);
  }

 private:
  Status put(const std::string& text, std::ios::openmode mode) const {
    if (path_.empty()) {
      return {};
    }
    errno = 0;
    std::ofstream out(path_, mode);
    out << text;
    out.close();
    return out ? Status()
               : fail(
                     ErrorCode::invalid_input,
                     fmt::format("--report: {} cannot be written: {}; name a file in a folder that "
                                 "is there and has room",
                                 path_,
                                 std::generic_category().message(errno)));
  }

  const std::string path_;
  bool made_ = false;
  bool written_ = false;
};

Result<std::vector<Checked>> check_all(const Options& options) {
  if (!options.journals.inventory.empty()) {
    return check_nodes(options.journals);
  }
  TRY_ASSIGN(Checked checked, check_file(options.journals), "");
  std::vector<Checked> out;
  out.push_back(std::move(checked));
  return out;
}

void show(const Options& options, const Checked& one, Json& json) {
  if (one.error) {
    const std::string message = redact(one.error->message());
    fmt::print(stderr, "hookshot: {}\n", message);
    json.push_back({{"source", one.source.what},
                    {"verdict", "error"},
                    {"error", {{"code", to_string(one.error->code())}, {"message", message}}}});
  } else if (options.json) {
    json.push_back(drift::to_json(one.source, one.invocations));
  } else {
    print_out("{}", drift::to_text(one.source, one.invocations));
  }
}

// A difference that was found is one, whatever else could not be read; silence of one node is
// nothing that the others could make good.
int status_of(const std::vector<Checked>& all) {
  int out = kPassed;
  for (const Checked& one : all) {
    const auto verdict = drift::judge(one.source, one.invocations);
    if (!one.error && verdict == drift::Verdict::differs) {
      return kFailed;
    }
    if (one.error) {
      out = exit_status_of(one.error->code());
    } else if (verdict == drift::Verdict::unproven && out == kPassed) {
      out = kUnproven;
    }
  }
  return out;
}

Result<int> check(const Options& options) {
  if (options.journals.file.empty() == options.journals.inventory.empty()) {
    return fail(ErrorCode::invalid_input, "windows check takes a journal's file, or -i INVENTORY");
  }
  ReportFile file(options.report);
  TRY(file.open(), "windows check");
  TRY_ASSIGN(const std::vector<Checked> all, check_all(options), "windows check");
  Json json = Json::array();
  std::string report;
  for (const Checked& one : all) {
    show(options, one, json);
    if (!one.error) {
      report += drift::to_report(one.source, one.invocations, "hookshot " HOOKSHOT_VERSION);
    }
  }
  if (options.json) {
    print_json(json);
  }
  const int status = status_of(all);
  if (const Status written = file.write(report); !written) {
    complain(Error(written.error()).prepend("windows check"));
    return status_of_loss(status);
  }
  return status;
}

}  // namespace

void add_windows_check(CLI::App& windows, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = windows.add_subcommand(
      "check", "Hold a journal against the packs: lengths, missing markers, unexplained lines");
  verb->add_option("file",
                   options->journals.file,
                   "A journal file, or what journalctl -o json, export or short... printed");
  verb->add_option(
      "-i,--inventory", options->journals.inventory, "Read the nodes' own journals instead");
  verb->add_option("--since", options->journals.since, "With -i: how far back")
      ->capture_default_str();
  verb->add_option("--last", options->journals.last, "Show the last N invocations; all are judged")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--report", options->report, "Write what differs to this file, to be sent");
  verb->add_flag("--json", options->json, "As JSON");
  verb->footer(
      "Exit status: 0 nothing differs in starts that were seen whole, 1 the packs and the journal "
      "differ, 3 a node's journal could not be read, 4 no such start was seen, or lines are "
      "missing.");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = check(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
