// A file taken away, or another one in its place, and put back as it was: content, owner, mode and
// security label. Compared before it is put back: what somebody else has written meanwhile stays.
//
// By rename where whoever reads the folder must see the old or the new and nothing in between; no
// copy ever stands there but under a name that begins with a dot, and one that a guard left there
// is removed with the undo. The original itself is then kept, under a second name on its own
// filesystem: a full disk does not stand in the way of the way back. Where another stood in its
// place and that is gone, somebody else took it away: nothing is put back.
//
// In place where a pod has the file itself mounted, as RKE2's have their certificates: such a pod
// never sees another file of that name.
#pragma once

#include <chrono>
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

// Says what was done. invalid_input, with nothing touched, where `held` names a file, a place to
// keep it or a unit that arming would not have named: a record may be damaged. `writes`: true while
// somebody else is about to write a file that is away; he is waited for, and only when he has come
// to rest without it is ours put back. timed_out, with what was there still kept, when he does
// neither within the limit.
Result<std::string> release_swapped(const Json& held,
                                    const Means& means,
                                    const std::function<bool()>& writes,
                                    std::chrono::milliseconds limit = std::chrono::minutes(3));

}  // namespace harness::guard
