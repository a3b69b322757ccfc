#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "harness/base/log.h"
#include "harness/cli/command.h"
#include "harness/cli/json_end.h"
#include "harness/cli/output.h"
#include "harness/cli/usage.h"

namespace {

constexpr const char* kDescription =
    "Hookshot: upgrades RKE2 nodes under fire and judges whether the control plane recovered.\n\n"
    "A first session:\n"
    "  hookshot lab up --version v1.30.12+rke2r1      a cluster on this machine (root)\n"
    "  hookshot doctor -i inventories/lab.yaml        can everything be done on these nodes?\n"
    "  hookshot allow  -i inventories/lab.yaml        mark the nodes as expendable\n"
    "  hookshot plan suites/smoke.yaml -i inventories/lab.yaml\n"
    "  hookshot run  suites/smoke.yaml -i inventories/lab.yaml\n"
    "  hookshot lab down";

constexpr const char* kFooter =
    "Exit status: 0 all passed, 1 a case failed, 2 wrong usage or input, 3 the harness or the lab "
    "could not do its\n"
    "job, 4 nothing failed but a case is unproven, 5 a node could not be healed, 124 time limit, "
    "130 and 143 on\n"
    "signals (after healing). Documentation: README.md, inventories/README.md, suites/README.md, "
    "faults/README.md.";

// CLI11 takes what follows `--` for positionals of the whole program; `run` wants it as its own
// extras. In reverse, as CLI::App::parse wants words.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto run = std::find(words.begin(), words.end(), "run");
  const auto dashes = std::find(run, words.end(), "--");
  if (dashes != words.end() &&
      run == std::find_if(words.begin(), words.end(), [](const std::string& word) {
        return !word.starts_with('-');
      })) {
    words.erase(dashes);
  }
  std::reverse(words.begin(), words.end());
  return words;
}

int perform(const harness::cli::Action& action) {
  using namespace harness;
  try {
    return action ? action() : cli::kUsage;
  } catch (const std::exception& problem) {
    if (std::ferror(stdout) != 0) {
      return cli::kHarness;
    }
    return cli::fail_with({ErrorCode::internal, fmt::format("internal error: {}", problem.what())});
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace harness::cli;
  CLI::App app{kDescription, "hookshot"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "hookshot " HOOKSHOT_VERSION);
  bool verbose = false;
  app.add_flag("-v,--verbose", verbose, "Diagnostics of the harness itself on standard error");
  Action action;
  add_doctor(app, action);
  add_allow(app, action);
  add_plan(app, action);
  add_run(app, action);
  add_shrink(app, action);
  add_windows(app, action);
  add_fault(app, action);
  add_guard(app, action);
  add_heal(app, action);
  add_judge(app, action);
  add_report(app, action);
  add_compare(app, action);
  add_selfcheck(app, action);
  add_lab(app, action);
  try {
    app.parse(words_of(argc, argv));
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) {
      std::ostringstream asked_for;
      app.exit(problem, asked_for, std::cerr);
      print_text(asked_for.str());
      return end_output(kPassed);
    }
    action = [wrong = wrong_usage(app, problem)] { return fail_with(wrong); };
  }
  if (verbose) {
    harness::log::set_level(harness::log::Level::debug);
  }
  const int status = perform(action);
  if (failure() && wants_json(app, argc, argv)) {
    print_json_end(*failure(), status);
  }
  return end_output(status);
}
