// The start-up hooks: launched in order, each a thread that waits for the gate and then asks the
// real apiserver. One failing call too many ends the process; nothing here knows of any defect.
#pragma once

#include "harness/base/json.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

// How many are in the wait group; add before anything waits.
int hook_count(const Node& node);
void launch_hooks(Node& node);

// A Node object that is being deleted, or marked for removal from etcd; and a list with such a one.
// What is marked before the watch begins counts as well.
bool wants_removal(const Json& node_object);
bool lists_removal(const Json& list);

// The two of the hardened profile.
void set_network_policies(Node& node);
void restrict_service_accounts(Node& node);

}  // namespace harness::standin
