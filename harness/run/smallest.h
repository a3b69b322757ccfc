// The smallest part of a set that still does what the whole does: delta debugging (Zeller and
// Hildebrandt, 2002). Pure but for the question, which is asked at most once for each part.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "harness/base/result.h"

namespace harness::run {

using Part = std::vector<std::size_t>;  // ascending indexes

// `still` is true for the whole set, as the caller knows. The answer is 1-minimal: taking any
// single element away makes `still` false. The empty part is asked first. An error of `still` ends
// it.
Result<Part> smallest(std::size_t size, const std::function<Result<bool>(const Part&)>& still);

}  // namespace harness::run
