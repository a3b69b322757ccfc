#include "harness/plan/bound.h"

#include <algorithm>
#include <charconv>
#include <climits>

#include <fmt/format.h>

namespace harness::plan {
namespace {

using yaml::Value;

Line line_of(const Bound& bound) {
  return {bound.lowest.major, bound.lowest.minor};
}

}  // namespace

Result<Line> Line::parse(std::string_view text) {
  Line line;
  const char* end = text.data() + text.size();
  const auto [dot, major_problem] = std::from_chars(text.data(), end, line.major);
  if (major_problem == std::errc() && dot != end && *dot == '.') {
    const auto [at, problem] = std::from_chars(dot + 1, end, line.minor);
    if (problem == std::errc() && at == end && line.text() == text) {
      return line;
    }
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format("'{}' is not a release line; write one in quotes, such as \"1.30\"", text));
}

std::string Line::text() const {
  return fmt::format("{}.{}", major, minor);
}

Result<Bound> Bound::parse(std::string_view text) {
  const bool whole_line = std::ranges::count(text, '.') == 1;
  const bool every_revision = text.find('+') == std::string_view::npos;
  const auto version = Version::parse(
      fmt::format("{}{}{}", text, whole_line ? ".0" : "", every_revision ? "+rke2r1" : ""));
  if (!version) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' is no release; write v1.34, v1.30.13, v1.30.13-rc1 or a whole "
                            "tag; what is left off means all of it",
                            text));
  }
  Bound bound{.text = std::string(text), .lowest = *version, .highest = *version};
  if (every_revision) {
    bound.lowest.revision = 0;
    bound.highest.revision = INT_MAX;
    bound.lowest.rc = std::max(1, version->rc);
  }
  if (whole_line) {
    bound.highest.patch = INT_MAX;
  }
  return bound;
}

const Bound* Bounds::on(const Line& line) const {
  const auto found = std::ranges::find(of_lines_, line, line_of);
  return found == of_lines_.end() ? nullptr : &*found;
}

bool Bounds::from_on(const Line& line, std::optional<Bound>& bound) const {
  if (const Bound* own = on(line)) {
    bound = *own;
    return true;
  }
  return of_lines_.empty() || line > line_of(of_lines_.back());
}

bool Bounds::to_on(const Line& line, std::optional<Bound>& bound) const {
  if (const Bound* own = on(line)) {
    bound = *own;
    return true;
  }
  return of_lines_.empty() || line < line_of(of_lines_.front());
}

Bounds read_bounds(yaml::Reader& reader, std::string_view key) {
  const Value* value = reader.take(key);
  if (value == nullptr) {
    return {};
  }
  std::vector<const Value*> items = {value};
  if (value->kind != Value::Kind::scalar) {
    items = reader.items(key, true);
  }
  std::vector<Bound> bounds;
  for (const Value* item : items) {
    auto bound = Bound::parse(item->scalar);
    if (!bound) {
      reader.problems().add(*item, bound.error().message());
      continue;
    }
    if (!bounds.empty()) {
      const Line last = line_of(bounds.back());
      if (line_of(*bound) != Line{last.major, last.minor + 1}) {
        reader.problems().add(*item,
                              fmt::format("'{}': {} must be of the line after {}: one bound per "
                                          "line, in order, none left out between",
                                          key,
                                          bound->text,
                                          last.text()));
      }
    }
    bounds.push_back(*std::move(bound));
  }
  return Bounds(std::move(bounds));
}

}  // namespace harness::plan
