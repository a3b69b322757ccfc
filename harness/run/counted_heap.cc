#include "harness/run/counted_heap.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace harness::run {
namespace {

std::atomic<std::int64_t> held{0};
std::atomic<std::int64_t> most{0};

void* taken(std::size_t size) noexcept {
  void* const memory = std::malloc(std::max<std::size_t>(size, 1));
  if (memory != nullptr) {
    const std::int64_t now = held += static_cast<std::int64_t>(malloc_usable_size(memory));
    std::int64_t before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
  }
  return memory;
}

void given_back(void* memory) noexcept {
  if (memory != nullptr) {
    held -= static_cast<std::int64_t>(malloc_usable_size(memory));
    std::free(memory);
  }
}

}  // namespace

std::size_t most_held(const std::function<void()>& work) {
  const std::int64_t before = held;
  most = before;
  work();
  return static_cast<std::size_t>(most - before);
}

}  // namespace harness::run

void* operator new(std::size_t size) {
  if (void* const memory = harness::run::taken(size)) {
    return memory;
  }
  throw std::bad_alloc();
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return harness::run::taken(size);
}

void operator delete(void* memory) noexcept {
  harness::run::given_back(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  harness::run::given_back(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept {
  harness::run::given_back(memory);
}
