// A file taken away, or another one in its place, and put back as it was: content, owner, mode and
// security label. Compared before it is put back: what somebody else has written meanwhile stays.
//
// By rename where whoever reads the folder must see the old or the new and nothing in between; no
// copy ever stands there but under a name that begins with a dot. In place where a pod has the file
// itself mounted, as RKE2's have their certificates: such a pod never sees another file of that
// name.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "harness/guard/action_hold.h"

namespace harness::guard {

inline constexpr std::size_t kSwapLimit = 1U << 20U;

enum class Swap { rename, in_place };

// `fresh`: what it becomes; none: it is taken away. `more` goes into the record's held. The deed is
// read back; its evidence is the caller's.
Result<Deed> swap_file(const std::string& path,
                       const std::string& before,
                       const std::optional<std::string>& fresh,
                       Json more,
                       const Means& means,
                       Swap how = Swap::rename);

// Says what was done. `leave`: why a file that is away is left to somebody else; empty: it is put
// back.
Result<std::string> release_swapped(const Json& held,
                                    const Means& means,
                                    const std::function<std::string()>& leave);

}  // namespace harness::guard
