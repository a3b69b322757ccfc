// judge, report: what became of a run, again from its events.

#include <memory>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/judged.h"
#include "harness/cli/output.h"
#include "harness/run/judgement.h"

namespace harness::cli {
namespace {

struct Options {
  std::string run;
  std::string format = "html,junit,md,json";
  bool json = false;
};

Result<run::Formats> formats_of(const std::string& text) {
  run::Formats formats{false, false, false, false};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    if (one == "json") {
      formats.json = true;
    } else if (one == "junit") {
      formats.junit = true;
    } else if (one == "md") {
      formats.markdown = true;
    } else if (one == "html") {
      formats.html = true;
    } else {
      return fail(ErrorCode::invalid_input,
                  "--format takes html, junit, md, json, not '" + one + "'");
    }
    at = end + 1;
  }
  return formats;
}

int report(const Options& options, bool print) {
  const auto done = [&]() -> Result<int> {
    TRY_ASSIGN(const run::Formats formats, formats_of(options.format), "report");
    TRY_ASSIGN(const run::RunFolder folder, run::RunFolder::open(options.run), "run");
    TRY_ASSIGN(const report::Model model, judged(folder), "");
    TRY(run::write_reports(folder, model, formats), "report");
    if (options.json) {
      print_out("{}", report::to_verdict_json(model));
    } else if (print) {
      print_out("{}", report::to_markdown(model));
    } else {
      print_out("{}\n", folder.path().string());
    }
    return run::exit_status(model);
  }();
  return done ? *done : fail_with(done.error());
}

}  // namespace

void add_judge(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("judge", "All checks of a run again, from its events");
  verb->add_option("run", options->run, "Run folder, e.g. results/latest")->required();
  verb->add_flag("--json", options->json, "Print verdict.json");
  verb->callback([options, &action] { action = [options] { return report(*options, true); }; });
}

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("report", "A run's reports again, from its events");
  verb->add_option("run", options->run, "Run folder, e.g. results/latest")->required();
  verb->add_option("--format", options->format, "Which, with commas")->capture_default_str();
  verb->add_flag("--json", options->json, "Print verdict.json");
  verb->callback([options, &action] { action = [options] { return report(*options, false); }; });
}

}  // namespace harness::cli
