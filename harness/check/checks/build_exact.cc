// build-exact: the build on disk, the running process and the data directory are the one asked for.
// The rc is not in the kubelet's version, so the kubelet is not asked.

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

struct Running {
  std::string build;
  std::string commit;
};

// What the last start said that it is: `Starting rke2 v1.30.13-rc2+rke2r1 (commit)`.
Running running_on(const TrialFacts& facts, const std::string& node, const Json& state) {
  Running out{.build = json_string(state, "running"), .commit = {}};
  for (const Invocation& one : facts.invocations) {
    if (one.node == node && !one.build.empty()) {
      out = {.build = one.build, .commit = one.commit};
    }
  }
  return out;
}

Finding one_node(const TrialFacts& facts, const std::string& node, const Json& state) {
  if (state.contains("error")) {
    return unproven(
        fmt::format("the build of {} could not be read: {}", node, json_string(state, "error")));
  }
  const std::string disk = json_string(state, "disk_version");
  if (disk != facts.to->tag()) {
    return failed(fmt::format("{} has {} on disk, {} is wanted", node, disk, facts.to->tag()));
  }
  const auto [running, commit] = running_on(facts, node, state);
  if (!running.empty() && running != facts.to->tag()) {
    return failed(fmt::format("{} runs {}, {} is wanted", node, running, facts.to->tag()));
  }
  const std::string disk_commit = json_string(state, "disk_commit");
  if (!commit.empty() && !disk_commit.empty() && commit != disk_commit) {
    return failed(
        fmt::format("{} runs commit {}, on disk is {} of the same tag", node, commit, disk_commit));
  }
  const std::string directory = json_string(state, "data_dir");
  if (directory.find(facts.to->image_tag()) == std::string::npos) {
    return failed(fmt::format("{} uses the data directory {}, one of {} is wanted",
                              node,
                              directory,
                              facts.to->image_tag()));
  }
  return running.empty() ? unproven(fmt::format("{} never said which build it starts", node))
                         : pass();
}

Finding judge(const TrialFacts& facts) {
  const auto states = facts.state("state.build");
  if (states.empty() || !facts.to) {
    return unproven("the build was not read after the upgrade");
  }
  Finding worst = pass(facts.to->tag() + " on disk, running, and in the data directory");
  for (const auto& [node, state] : states) {
    keep_worst(worst, one_node(facts, node, *state));
  }
  return worst;
}

}  // namespace

Check build_exact() {
  return {"build-exact", "Is exactly the build asked for on disk, running, and in use?", judge};
}

}  // namespace harness::check
