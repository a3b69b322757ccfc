#include "harness/run/smallest.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace harness::run {
namespace {

std::vector<Part> pieces_of(const Part& whole, std::size_t count) {
  std::vector<Part> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](std::size_t n) {
      return whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * n / count);
    };
    out.emplace_back(at(i), at(i + 1));
  }
  return out;
}

Part without(const Part& whole, const Part& piece) {
  Part out;
  std::ranges::set_difference(whole, piece, std::back_inserter(out));
  return out;
}

}  // namespace

Result<Part> smallest(std::size_t size, const std::function<Result<bool>(const Part&)>& still) {
  std::map<Part, bool> known;
  const auto ask = [&](const Part& part) -> Result<bool> {
    if (const auto found = known.find(part); found != known.end()) {
      return found->second;
    }
    TRY_ASSIGN(const bool answer, still(part), "");
    known[part] = answer;
    return answer;
  };
  TRY_ASSIGN(const bool by_itself, ask({}), "");
  if (by_itself) {
    return Part();
  }
  Part current(size);
  std::iota(current.begin(), current.end(), 0U);
  known[current] = true;
  std::size_t count = 2;
  while (current.size() >= 2) {
    count = std::min(count, current.size());
    const std::vector<Part> pieces = pieces_of(current, count);
    std::vector<Part> candidates = pieces;
    for (const Part& piece : pieces) {
      candidates.push_back(without(current, piece));
    }
    bool smaller = false;
    for (std::size_t i = 0; i < candidates.size() && !smaller; ++i) {
      TRY_ASSIGN(smaller, ask(candidates[i]), "");
      if (smaller) {
        current = candidates[i];
        count = i < pieces.size() ? 2 : std::max<std::size_t>(count - 1, 2);
      }
    }
    if (!smaller) {
      if (count == current.size()) {
        break;
      }
      count *= 2;
    }
  }
  return current;
}

}  // namespace harness::run
