// A program whose cases end as their names say: what a pipeline sees of GoogleTest's flags, its XML
// and its verdicts. hosting_test runs it, since GoogleTest can be hosted once in a process.
#include <cstdio>
#include <map>

#include "harness/run/hosting.h"

using harness::Status;
using harness::check::Verdict;
namespace plan = harness::plan;
namespace run = harness::run;

namespace {

const std::map<std::string, Verdict> kEnds = {{"passes", Verdict::pass},
                                              {"fails", Verdict::fail},
                                              {"errs", Verdict::error},
                                              {"proves_nothing", Verdict::unproven},
                                              {"cannot", Verdict::skip}};

}  // namespace

// The first word "sick" makes the preparation fail; the others go to GoogleTest.
int main(int argc, char** argv) {
  std::vector<std::string> flags(argv + 1, argv + argc);
  const bool sick = !flags.empty() && flags.front() == "sick";
  if (sick) {
    flags.erase(flags.begin());
  }
  std::vector<plan::Case> cases;
  for (const auto& [name, verdict] : kEnds) {
    plan::Case cell;
    cell.suite = "s";
    cell.name = "s/" + name;
    cases.push_back(cell);
  }
  run::Hosting hosting;
  hosting.prepare = [&](const std::vector<const plan::Case*>& selected) -> Status {
    std::printf("preparing %zu\n", selected.size());
    return sick ? harness::fail(harness::ErrorCode::remote_failed, "cp-1 does not answer")
                : Status();
  };
  hosting.run_case = [](const plan::Case& cell) {
    std::printf("ran %s\n", cell.name.c_str());
    return run::CaseEnd{kEnds.at(cell.name.substr(2)), "because of " + cell.name};
  };
  const run::Hosted hosted = run::host(cases, flags, hosting);
  std::printf("listed %d selected %d sharded %d prepared %d\n",
              hosted.listed,
              hosted.selected,
              hosted.sharded,
              hosted.prepared.has_value());
  return 0;
}
