// compare: whether the build of the second run is worse than that of the first.

#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/judged.h"
#include "harness/cli/output.h"
#include "harness/compare/comparable.h"
#include "harness/compare/render.h"

namespace harness::cli {
namespace {

struct Options {
  std::string before;
  std::string after;
  std::string results = "results";
  bool json = false;
};

// A folder, or the name of one in --results.
Result<report::Model> judged_run(const std::string& run, const std::string& results) {
  const std::filesystem::path inside = std::filesystem::path(results) / run;
  std::error_code problem;
  if (!std::filesystem::exists(run, problem) && !std::filesystem::exists(inside, problem)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is no run folder, and {} holds none of that name", run, results));
  }
  const bool is_path = std::filesystem::exists(run, problem);
  TRY_ASSIGN(const run::RunFolder folder,
             run::RunFolder::open(is_path ? std::filesystem::path(run) : inside),
             "run");
  return judged(folder);
}

Result<int> compare_runs(const Options& options) {
  TRY_ASSIGN(const report::Model before, judged_run(options.before, options.results), "first run");
  TRY_ASSIGN(const report::Model after, judged_run(options.after, options.results), "second run");
  TRY(compare::comparable(before, after), "compare");
  const compare::Comparison found = compare::compare(before.cases, after.cases);
  if (options.json) {
    print_json(compare::to_json(found, before, after));
  } else {
    print_out("{}", compare::to_markdown(found, before, after));
  }
  return compare::exit_status(found.outcome);
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "compare", "Is the build of the second run worse than that of the first? Touches no node");
  verb->add_option(
          "before", options->before, "Run of the older build: folder, or name in --results")
      ->required();
  verb->add_option("after", options->after, "Run of the newer build, the same way")->required();
  verb->add_option("--results", options->results, "Where run folders are")->capture_default_str();
  verb->add_flag("--json", options->json, "Everything as JSON; a recovery that never came is null");
  verb->footer(
      "Both runs are judged again from their events. Cases pair when fault, window and target are "
      "the same: on the\nsame path of versions, else from the same release, else when each run has "
      "only one such case. Of each pair the\nfailures of the hits are compared (Fisher) and their "
      "recovery times (Mann-Whitney), corrected for the number of\ntests (Holm).\n\n"
      "  worse            the second run fails more often, or recovers later, and not by chance "
      "(p at most 0.05)\n"
      "  better           the same the other way round\n"
      "  no difference    and a rise of the failure rate by 50 points is ruled out\n"
      "  too few trials   neither can be said; the reason names how many hits would do\n\n"
      "Six hits per case and run are enough to begin with: `hookshot run SUITE --repeat 6`.\n\n"
      "Exit status: 0 no difference or better, 1 worse, 2 the runs cannot be compared, 4 too few "
      "trials.\n\n"
      "  hookshot run suites/demo.yaml -i my.yaml --repeat 6      with the older build, then the "
      "newer\n"
      "  hookshot compare results/20260101T000000Z-demo-1a2b results/latest");
  verb->callback([options, &action] {
    action = [options] {
      const auto done = compare_runs(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
