// How a server becomes a member of an etcd cluster that is there already, and how the leader makes
// learners voters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

struct Member {
  std::string id;    // decimal, as the gateway writes it; empty where nobody said it
  std::string name;  // empty until it has started once
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool learner = false;
};

// Of what etcd's gateway, or /db/info of a supervisor, answers.
std::vector<Member> members_in(const Json& answer);

// What --initial-cluster is for `own` at `peer_url` among these: everybody's name=peer, ourselves
// last when we are new. invalid_input for a member of our node's name that is not us.
struct Joining {
  std::vector<std::string> cluster;
  bool add = true;  // we are not among them yet
};

Result<Joining> joining_among(std::vector<Member> members,
                              const std::string& own,
                              const std::string& node_name,
                              const std::string& peer_url);

// Joins through the supervisor of the configuration, trying again each second while the cluster
// takes nobody. The value of --initial-cluster; an error is final.
Result<std::string> join_etcd(const Node& node, const std::string& own);

// Asks this node's own member: a path of the gateway and its body.
using AskEtcd = std::function<Result<Json>(const std::string& path, const Json& body)>;

// Every 15 s, and on the leader alone, the first learner is made a voter. Does not return.
void manage_learners(const AskEtcd& ask);

}  // namespace harness::standin
