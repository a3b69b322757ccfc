// What a server that joins another one, and one that has, ask that other's supervisor.
#pragma once

#include <vector>

#include "harness/base/result.h"
#include "harness/lab/standin/etcd_members.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// The first start: the token is held against the server, then authorities and keys are written as
// the server has them. Nothing is written when it says no.
Status join_server(const Node& node);

// Later starts: the files are held against the server's, as reconcile_files does. The server has 15
// s.
Status reconcile_with_server(const Node& node);

// The members of etcd, as the server's /db/info has them.
Result<std::vector<Member>> members_of_server(const Node& node);

}  // namespace harness::standin
