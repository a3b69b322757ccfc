#include "harness/observe/etcd.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/observe/fields.h"

namespace harness::observe {
namespace {

constexpr std::chrono::seconds kHashLimit{10};
// A compaction passes all members within a moment; three in a row do not come.
constexpr int kHashRounds = 3;

Json cannot(std::string why) {
  return Json{{"error", std::move(why)}};
}

void add_members(ControlPlane& server, Json& state, Deadline deadline) {
  auto list = server.etcd_json("/v3/cluster/member/list", Json::object(), deadline);
  if (!list) {
    note_error(state, list.error().message());
    return;
  }
  state["members"] = Json::array();
  for (const Json& one : part(*list, "members")) {
    state["members"].push_back({{"id", text_of(one, "ID")},
                                {"name", json_string(one, "name")},
                                {"is_learner", json_bool(one, "isLearner")},
                                {"peer_urls", part(one, "peerURLs")}});
  }
}

void add_alarms(ControlPlane& server, Json& state, Deadline deadline) {
  auto alarms = server.etcd_json("/v3/maintenance/alarm", Json{{"action", "GET"}}, deadline);
  if (!alarms) {
    note_error(state, alarms.error().message());
    return;
  }
  state["alarms"] = Json::array();
  for (const Json& one : part(*alarms, "alarms")) {
    state["alarms"].push_back(json_string(one, "alarm") + " on " + text_of(one, "memberID"));
  }
}

void add_health(ControlPlane& server, Json& state, Deadline deadline) {
  const Answer health = server.etcd_health(deadline);
  if (health.outcome == Outcome::ok || health.outcome == Outcome::not_ok) {
    state["healthy"] = health.outcome == Outcome::ok;
    return;
  }
  note_error(state,
             fmt::format("{} etcd /health: {}: {}",
                         server.node().name(),
                         to_string(health.outcome),
                         health.error.empty() ? health.body.substr(0, 200) : health.error));
}

// The lowest revision of the members that answer; 0 when none does.
std::int64_t common_revision(const Access& access, Deadline deadline) {
  std::int64_t common = 0;
  for (const auto& server : access.servers()) {
    const auto status =
        server->etcd_json("/v3/maintenance/status", Json::object(), deadline.at_most(kHashLimit));
    const std::int64_t revision = status ? number(part(*status, "header"), "revision") : 0;
    if (revision > 0) {
      common = common == 0 ? revision : std::min(common, revision);
    }
  }
  return common;
}

}  // namespace

Json etcd_hash(ControlPlane& server, std::int64_t revision, Deadline deadline) {
  const Json body{{"revision", std::to_string(revision)}};
  std::string path = "/v3/maintenance/hashkv";
  Answer answer = server.etcd(path, body, deadline);
  if (answer.status == 404) {
    path = "/v3/maintenance/hash";
    answer = server.etcd(path, body, deadline);
  }
  const std::string what = fmt::format("{} etcd {}", server.node().name(), path);
  if (answer.outcome != Outcome::ok) {
    return cannot(fmt::format(
        "{}: {}: {}",
        what,
        to_string(answer.outcome),
        answer.error.empty() ? fmt::format("HTTP {}: {}", answer.status, answer.body.substr(0, 200))
                             : answer.error));
  }
  const auto hash = parse_json(answer.body);
  if (!hash) {
    return cannot(what + ": " + hash.error().message());
  }
  if (!hash->is_object() || !hash->contains("compact_revision")) {
    return cannot(what +
                  ": this member's gateway has no HashKV (etcd before 3.5.10), and the hash of its "
                  "whole backend says nothing");
  }
  return {{"hash", number(*hash, "hash")},
          {"hash_revision", revision},
          {"compact_revision", number(*hash, "compact_revision")},
          {"hash_kind", "kv"}};
}

void add_hash(Json& state, const Json& hash) {
  if (hash.contains("error")) {
    note_error(state, json_string(hash, "error"));
  } else {
    state.update(hash);
  }
}

std::vector<Json> etcd_hashes(const Access& access, Deadline deadline) {
  std::vector<Json> hashes;
  std::set<std::int64_t> compacted;
  for (int round = 0; round < kHashRounds && compacted.size() != 1; ++round) {
    const std::int64_t common = common_revision(access, deadline);
    hashes.clear();
    compacted.clear();
    for (const auto& server : access.servers()) {
      Json hash = common == 0 ? cannot("no etcd member says at which revision it is")
                              : etcd_hash(*server, common, deadline.at_most(kHashLimit));
      const bool failed = hash.contains("error");
      hashes.push_back(std::move(hash));
      if (!failed) {
        compacted.insert(number(hashes.back(), "compact_revision"));
      }
    }
    if (compacted.empty()) {
      return hashes;
    }
  }
  if (compacted.size() > 1) {
    std::fill(hashes.begin(),
              hashes.end(),
              cannot(fmt::format("the etcd members were hashed after different compactions (at "
                                 "revisions {}), so that their hashes do not compare",
                                 fmt::join(compacted, ", "))));
  }
  return hashes;
}

Json etcd_state(ControlPlane& server, std::int64_t hash_revision, Deadline deadline) {
  Json state{{"type", "state.etcd"}, {"node", server.node().name()}, {"reachable", false}};
  auto status = server.etcd_json("/v3/maintenance/status", Json::object(), deadline);
  if (!status) {
    note_error(state, status.error().message());
  }
  add_health(server, state, deadline);
  if (!status) {
    return state;
  }
  const Json& header = part(*status, "header");
  state["reachable"] = true;
  state["member_id"] = text_of(header, "member_id");
  state["leader_id"] = text_of(*status, "leader");
  state["is_learner"] = json_bool(*status, "isLearner");
  state["revision"] = number(header, "revision");
  state["raft_term"] = number(*status, "raftTerm");
  state["raft_index"] = number(*status, "raftIndex");
  state["version"] = json_string(*status, "version");
  add_members(server, state, deadline);
  add_alarms(server, state, deadline);
  if (hash_revision > 0) {
    add_hash(state, etcd_hash(server, hash_revision, deadline));
  }
  return state;
}

}  // namespace harness::observe
