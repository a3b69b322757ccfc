// build-exact: the build on disk, the running process and the data directory are the one asked for.
// The rc is not in the kubelet's version, so the kubelet is not asked.

#include <fmt/format.h>

#include "harness/check/check.h"

namespace harness::check {
namespace {

// From `Starting rke2 v1.30.13-rc2+rke2r1 (commit)` of the last invocation.
std::string running_tag(const TrialFacts& facts, const std::string& node) {
  constexpr std::string_view kStart = "Starting rke2 ";
  std::string tag;
  for (const JournalLine& line : facts.journal) {
    if (line.node == node && line.ident == "rke2" && line.line.msg.starts_with(kStart)) {
      const std::string rest = line.line.msg.substr(kStart.size());
      if (rest.starts_with("v")) {
        tag = rest.substr(0, rest.find(' '));
      }
    }
  }
  return tag;
}

Finding judge(const TrialFacts& facts) {
  const auto states = facts.state("state.build");
  if (states.empty() || !facts.to) {
    return unproven("the build was not read after the upgrade");
  }
  for (const auto& [node, state] : states) {
    if (state->contains("error")) {
      return unproven(
          fmt::format("the build of {} could not be read: {}", node, json_string(*state, "error")));
    }
    const std::string disk = json_string(*state, "disk_version");
    if (disk != facts.to->tag()) {
      return failed(fmt::format("{} has {} on disk, {} is wanted", node, disk, facts.to->tag()));
    }
    const std::string running = running_tag(facts, node);
    if (running.empty()) {
      return unproven(fmt::format("{} never said which build it starts", node));
    }
    if (running != facts.to->tag()) {
      return failed(fmt::format("{} runs {}, {} is wanted", node, running, facts.to->tag()));
    }
    const std::string directory = json_string(*state, "data_dir");
    if (directory.find(facts.to->image_tag()) == std::string::npos) {
      return failed(fmt::format("{} uses the data directory {}, one of {} is wanted",
                                node,
                                directory,
                                facts.to->image_tag()));
    }
  }
  return pass(facts.to->tag() + " on disk, running, and in the data directory");
}

}  // namespace

Check build_exact() {
  return {"build-exact", "Is exactly the build asked for on disk, running, and in use?", judge};
}

}  // namespace harness::check
