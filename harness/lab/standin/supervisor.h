// The supervisor's API on port 9345, as far as a harness asks it and an agent needs it to join.
#pragma once

#include "harness/base/result.h"
#include "harness/lab/standin/https_server.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

inline constexpr std::uint16_t kSupervisorPort = 9345;

enum class Role { none, unknown, agent, server };

// Who basic authentication says that it is; `password` is the token's.
Role role_of(const ServerRequest& request, const std::string& password);

// What is answered to whom. Paths of agents take the user node, paths of servers the user server;
// without a role it is 403, with a wrong password 401, as in the product.
ServerReply route(const Node& node, const ServerRequest& request, const std::string& password);

// Opens the port; every request gets 503 until serve_requests.
Status open_supervisor(const Node& node, HttpsServer& server);
void serve_requests(const Node& node, HttpsServer& server);

}  // namespace harness::standin
