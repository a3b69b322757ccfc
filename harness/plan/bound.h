// From which release an entry of a window pack holds, and up to which, when it holds on several
// lines: v1.30.13, v1.31.9 and v1.32.5 brought the same change.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/pack.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

struct Line {
  int major = 0;
  int minor = 0;

  static Result<Line> parse(std::string_view text);  // "1.30"
  std::string text() const;

  auto operator<=>(const Line&) const = default;
};

// At most one bound per line, in order. Later lines than the last have what `from` brought and no
// longer have what `to` ended; earlier ones than the first the reverse.
class Bounds {
 public:
  Bounds() = default;

  explicit Bounds(std::vector<Bound> of_lines) : of_lines_(std::move(of_lines)) {}

  // False: nothing of the line. True: the line, from `bound` on where it is set.
  bool from_on(const Line& line, std::optional<Bound>& bound) const;
  bool to_on(const Line& line, std::optional<Bound>& bound) const;

 private:
  const Bound* on(const Line& line) const;

  std::vector<Bound> of_lines_;
};

// A text or a list of them. Lines out of order, twice or with one left out between are problems.
Bounds read_bounds(yaml::Reader& reader, std::string_view key);

}  // namespace harness::plan
