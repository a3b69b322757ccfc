#include "harness/check/invocations.h"

#include <algorithm>
#include <set>

namespace harness::check {
namespace {

// A systemd line about the start may be stamped a moment before the step's own event.
constexpr std::int64_t kSlackUs = 1'000'000;

bool hook_begins(const std::string& msg) {
  return msg == "Applying Cluster Role Bindings" || msg == "Setting runtimes";
}

void note_start(Invocation& one, const std::string& msg) {
  constexpr std::string_view kStart = "Starting rke2 ";
  if (!msg.starts_with(kStart)) {
    return;
  }
  constexpr std::string_view kAgent = "agent ";
  std::string rest = msg.substr(kStart.size());
  rest.erase(0, rest.starts_with(kAgent) ? kAgent.size() : 0);
  if (!rest.starts_with('v')) {
    return;
  }
  one.build = rest.substr(0, rest.find(' '));
  const std::size_t open = rest.find('(');
  const std::size_t close = rest.find(')', open);
  one.commit = open == std::string::npos || close == std::string::npos
                   ? ""
                   : rest.substr(open + 1, close - open - 1);
}

void note_gate(Invocation& one, const JournalLine& line, std::int64_t& synced) {
  const std::string& msg = line.line.msg;
  if (msg == "Pod for kube-apiserver is synced") {
    synced = synced == 0 ? line.mono_us : synced;
  } else if (msg.starts_with("Pod for ") && msg.find(" not synced (") != std::string::npos) {
    synced = 0;
  } else if (one.gate_mono_us == 0 &&
             (msg == "Kube API server is now running" || hook_begins(msg))) {
    one.gate_mono_us = synced == 0 ? line.mono_us : std::min(synced, line.mono_us);
  }
}

void note_systemd(Invocation& one, const JournalLine& line) {
  const std::string& msg = line.line.msg;
  if (msg.starts_with("Stopping ")) {
    one.stopping_mono_us = line.mono_us;
  } else if (msg.find(": Main process exited, ") != std::string::npos) {
    one.exited_mono_us = line.mono_us;
  }
}

// Without a photograph of the unit before: what was never seen to start was there before.
bool ran_before(const TrialFacts& facts, const Invocation& one, bool seen_to_start) {
  const Json* state = facts.read_state("state.unit", one.node, "before");
  if (state != nullptr && !json_string(*state, "invocation").empty()) {
    return json_string(*state, "invocation") == one.id;
  }
  const std::int64_t began = facts.restart_began_us(one.node);
  return began == 0 || !seen_to_start ||
         facts.to_controller(one.node, one.first_wall_us) < began - kSlackUs;
}

}  // namespace

void index_invocations(TrialFacts& facts) {
  std::set<std::string> seen_to_start;
  std::map<std::string, std::int64_t> synced;
  for (const JournalLine& line : facts.journal) {
    if (line.invocation.empty()) {
      continue;
    }
    auto found = std::ranges::find_if(facts.invocations, [&](const Invocation& one) {
      return one.node == line.node && one.id == line.invocation;
    });
    if (found == facts.invocations.end()) {
      facts.invocations.push_back({.node = line.node,
                                   .id = line.invocation,
                                   .boot_id = line.boot_id,
                                   .first_wall_us = line.wall_us});
      found = facts.invocations.end() - 1;
    }
    if (line.line.msg.starts_with("Starting ")) {
      seen_to_start.insert(line.node + line.invocation);
    }
    if (line.ident == "systemd") {
      note_systemd(*found, line);
    } else if (line.ident == "rke2") {
      note_start(*found, line.line.msg);
      note_gate(*found, line, synced[line.node + line.invocation]);
      if (line.deadly()) {
        found->last_words = line.line.msg;
      }
    }
  }
  for (auto& one : facts.invocations) {
    if (one.gate_mono_us == 0) {
      one.gate_mono_us = synced[one.node + one.id];
    }
    one.before = ran_before(facts, one, seen_to_start.contains(one.node + one.id));
  }
}

}  // namespace harness::check
