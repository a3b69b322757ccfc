// etcd-recovers: every member healthy, one leader, no learner, no alarm, the same members seen by
// all, and equal hashes at one revision.

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/check/probing.h"
#include "harness/check/sight.h"

namespace harness::check {
namespace {

std::set<std::string> members_of(const Json& state) {
  std::set<std::string> out;
  for (const Json& member : state.value("members", Json::array())) {
    out.insert(json_string(member, "id"));
  }
  return out;
}

Finding one_member(const TrialFacts& facts, const std::string& node, const Json& state) {
  const std::string error = json_string(state, "error");
  if (!json_bool(state, "reachable") || !error.empty()) {
    const auto probes = facts.probes.find(node);
    if (probes != facts.probes.end()) {
      const auto health = probes->second.find("etcd-health");
      if (health != probes->second.end() && !health->second.empty() &&
          health->second.back().outcome == "not-ok") {
        return failed(fmt::format("etcd on {} is not healthy at the end", node));
      }
    }
    return unproven(fmt::format("etcd on {} could not be asked: {}", node, error));
  }
  if (!json_bool(state, "healthy")) {
    return failed(fmt::format("etcd on {} says that it is not healthy", node));
  }
  const std::string leader = json_string(state, "leader_id", "0");
  if (leader.empty() || leader == "0") {
    return failed(fmt::format("etcd on {} knows no leader", node));
  }
  if (json_bool(state, "is_learner")) {
    return failed(fmt::format("etcd on {} is a learner", node));
  }
  for (const Json& member : state.value("members", Json::array())) {
    if (json_bool(member, "is_learner")) {
      return failed(fmt::format("member {} is a learner", json_string(member, "name")));
    }
  }
  const Json alarms = state.value("alarms", Json::array());
  if (!alarms.empty()) {
    return failed(fmt::format("etcd on {} has the alarm {}", node, alarms.front().dump()));
  }
  return pass();
}

// Members are neither lost nor exchanged by an upgrade, and what was written stays written.
Finding against_before(const TrialFacts& facts,
                       const std::map<std::string, const Json*>& after,
                       const std::set<std::string>& members) {
  for (const auto& [node, state] : facts.state("state.etcd", "before")) {
    if (state->contains("error")) {
      continue;
    }
    if (members_of(*state) != members) {
      return failed(fmt::format("etcd on {} has other members than before", node));
    }
    const auto now = after.find(node);
    if (now != after.end() && json_int(*now->second, "revision") < json_int(*state, "revision")) {
      return failed(fmt::format("etcd on {} fell from revision {} to {}",
                                node,
                                json_int(*state, "revision"),
                                json_int(*now->second, "revision")));
    }
  }
  return pass();
}

std::optional<double> recovery_of(const TrialFacts& facts) {
  std::optional<double> longest;
  for (const auto& [node, by_name] : facts.probes) {
    const auto health = by_name.find("etcd-health");
    const std::int64_t reference = facts.reference_us(node);
    if (health == by_name.end() || reference == 0) {
      continue;
    }
    const Recovered one = recovered(health->second, reference, facts.recovery_budget_us);
    if (one.finding.verdict == Verdict::pass) {
      longest = std::max(longest.value_or(0), static_cast<double>(one.at_us - reference) / 1e6);
    }
  }
  return longest;
}

// What the members that are well by themselves say of each other; the cluster has `servers`.
Finding together(const TrialFacts& facts,
                 const std::map<std::string, const Json*>& well,
                 std::size_t servers) {
  std::set<std::string> leaders;
  std::set<std::set<std::string>> views;
  std::map<std::int64_t, std::set<std::int64_t>> hashes;
  std::string without_hash;
  for (const auto& [node, state] : well) {
    leaders.insert(json_string(*state, "leader_id"));
    views.insert(members_of(*state));
    if (state->contains("hash")) {
      hashes[json_int(*state, "hash_revision")].insert(json_int(*state, "hash"));
    } else if (without_hash.empty()) {
      without_hash = node;
    }
  }
  if (leaders.size() > 1) {
    return failed("the members do not agree on the leader");
  }
  if (views.size() > 1) {
    return failed("the members see different members");
  }
  if (views.begin()->size() != servers) {
    return failed(
        fmt::format("etcd has {} members, the cluster {} servers", views.begin()->size(), servers));
  }
  for (const auto& [revision, values] : hashes) {
    if (values.size() > 1) {
      return failed(fmt::format("the members' data differ at revision {}", revision));
    }
  }
  if (Finding finding = against_before(facts, well, *views.begin());
      finding.verdict != Verdict::pass) {
    return finding;
  }
  if (!without_hash.empty()) {
    return unproven(fmt::format("etcd on {} gave no hash", without_hash));
  }
  if (hashes.size() > 1) {
    return unproven("the members were hashed at different revisions");
  }
  return pass(fmt::format(
      "{} member(s), one leader, equal data at revision {}", servers, hashes.begin()->first));
}

Finding found(const TrialFacts& facts) {
  const auto states = facts.state("state.etcd");
  if (states.empty()) {
    return unproven("etcd was not asked after the fault");
  }
  Finding worst = pass();
  std::map<std::string, const Json*> well;
  for (const auto& [node, state] : states) {
    Finding finding = one_member(facts, node, *state);
    if (finding.verdict == Verdict::pass) {
      well.emplace(node, state);
    }
    keep_worst(worst, std::move(finding));
  }
  if (well.empty()) {
    return worst;
  }
  Finding out = together(facts, well, states.size());
  keep_worst(worst, out);
  if (worst.verdict != Verdict::pass) {
    return worst;
  }
  out.recovery_s = recovery_of(facts);
  return out;
}

Finding judge(const TrialFacts& facts) {
  return unless_silent(facts, found(facts), {"etcd-health", "etcd-status"});
}

}  // namespace

Check etcd_recovers() {
  return {"etcd-recovers", "Is etcd whole again: members, leader, alarms, data?", judge};
}

}  // namespace harness::check
