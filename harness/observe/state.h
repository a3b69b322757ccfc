// A photograph of the cluster for the checks, as state.* events. What cannot be read becomes an
// event with `error`; the checks call that unproven.
#pragma once

#include <optional>
#include <string_view>

#include "harness/base/version.h"
#include "harness/observe/control_plane.h"
#include "harness/observe/etcd.h"
#include "harness/observe/sink.h"

namespace harness::observe {

enum class Phase { before, after };
std::string_view to_string(Phase phase);

struct StateOptions {
  Phase phase = Phase::before;
  std::optional<Version> expected;  // for state.build
};

// Each part has its own short deadline inside this one, so that a dead server does not hide the
// rest.
void take_state(const Access& access,
                const StateOptions& options,
                const Sink& sink,
                Deadline deadline);

// The single parts, one event each, for those who wait on them.
Json static_pods(const Access& access, const cluster::Node& node, Deadline deadline);
Json nodes_state(const Access& access, const cluster::Node* preferred, Deadline deadline);
Json build_state(cluster::Node& node, const std::optional<Version>& expected, Deadline deadline);
Json restarts_state(const Access& access, const cluster::Node& node, Deadline deadline);
Json clean_state(cluster::Node& node, const std::string& cluster, Deadline deadline);

// The entry of a `nodes` list (nodes_state, or the apiserver's own) that is this node: by its name
// or one of its addresses; null when there is none.
const Json* find_node(const Json& nodes, const cluster::Node& node);

}  // namespace harness::observe
