// The verbs of the guard, each a function from a record to lines on standard output.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/guard/store.h"

namespace harness::guard {

Status verb_facts(const Store& store, const Json& record);
Status verb_allow(const Json& record);
Status verb_disallow(const Json& record);
Status verb_exec(const Json& record);
Status verb_read(const Json& record);

Status verb_arm(Store& store, const Json& record);
Status verb_heartbeat(const Store& store, const Json& record);
Status verb_status(Store& store, const Json& record);
Status verb_revert(Store& store, const Json& record);
Status verb_heal(Store& store, const Json& record);
Status verb_clean(const Store& store, const Json& record);
Status verb_release(Store& store, const Json& record);

Status verb_lease_acquire(const Store& store, const Json& record);
Status verb_lease_renew(const Store& store, const Json& record);
Status verb_lease_release(const Store& store, const Json& record);

// Run by systemd on the node, not by the controller.
int run_boot(Store& store);
int run_expire(Store& store, const std::string& id);

std::string base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace harness::guard
