// What each etcd member says of itself, and whether all hold the same data.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/observe/control_plane.h"

namespace harness::observe {

// {hash, hash_revision, compact_revision, hash_kind: "kv"}: HashKV at this revision; or {error}.
//
// A HashKV is the hash of the keys as they were at a revision, equal on all members that have
// compacted to the same one. /v3/maintenance/hash is another: the whole backend at the present
// moment, which differs between healthy members. Gateways before etcd 3.5.10 have both calls at
// that one path (etcd-io/etcd#16464), so there the answer itself says which it was: only HashKV's
// has a compact_revision.
Json etcd_hash(ControlPlane& server, std::int64_t revision, Deadline deadline);

// Puts a hash, or its error, into a state.etcd.
void add_hash(Json& state, const Json& hash);

// The hash of each server's member in order, all at the lowest revision that any of them is at,
// and all with the same compact_revision; else {error}.
std::vector<Json> etcd_hashes(const Access& access, Deadline deadline);

// An event state.etcd. `healthy` is there only when the member could be asked. `hash_revision`: the
// revision at which a hash is taken; 0 takes none.
Json etcd_state(ControlPlane& server, std::int64_t hash_revision, Deadline deadline);

}  // namespace harness::observe
