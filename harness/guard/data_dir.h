// Is a path RKE2's data directory? What a record names is changed and filled below it, so nothing
// else is taken for it.
#pragma once

#include <string>

#include "harness/base/result.h"

namespace harness::guard {

// refused, with what is wrong: no directory of root's, or one that everybody may write to, or
// without server/ or agent/ beneath it, or one of these leads out of it. One that is not there yet
// is taken: RKE2 makes it when it first starts, and there is nothing in it to harm.
Status check_data_dir(const std::string& path);

// Where RKE2 writes its static pods' manifests, and kubelet reads them.
std::string manifests_in(const std::string& data_dir);

}  // namespace harness::guard
