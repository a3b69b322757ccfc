// How much a piece of work holds on the heap, for tests. counted_heap.cc takes the place of the
// program's operators new and delete.
#pragma once

#include <cstddef>
#include <functional>

namespace harness::run {

// Bytes at their most while `work` runs, beyond those that were held before.
std::size_t most_held(const std::function<void()>& work);

}  // namespace harness::run
