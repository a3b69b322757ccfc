// How deep a record may nest: deeper ones would cost the stack of whoever copies or writes them.
#pragma once

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::guard {

inline constexpr int kDeepest = 32;

inline bool nests_at_most(const Json& json, int levels) {
  return !json.is_structured() || (levels > 0 && std::ranges::all_of(json, [&](const Json& item) {
                                     return nests_at_most(item, levels - 1);
                                   }));
}

inline Status check_nesting(const Json& json) {
  if (nests_at_most(json, kDeepest)) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("record: lists and objects nest deeper than {} levels", kDeepest));
}

}  // namespace harness::guard
