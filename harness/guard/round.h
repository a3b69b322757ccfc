// What one look at everything found, told in the order in which it happened: renames wake a watch,
// and the lines that precede them are read only then.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "harness/base/json.h"

namespace harness::guard {

// Facts of one boot: by mono_us, and as they were found where that is the same.
class Round {
 public:
  void add(Json fact) { found_.push_back(std::move(fact)); }

  void tell(const std::function<void(Json)>& take) {
    std::ranges::stable_sort(
        found_, {}, [](const Json& fact) { return json_int(fact, "mono_us"); });
    for (Json& fact : found_) {
      take(std::move(fact));
    }
    found_.clear();
  }

 private:
  std::vector<Json> found_;
};

}  // namespace harness::guard
