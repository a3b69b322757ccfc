// Where in a window a fault is aimed: what suites write, and what it comes to for one window of one
// node.
//
//   500ms     after the opening marker
//   -200ms    before it, counted back from a marker that came earlier
//   50%       of the window's learned length; below 0% is before it, above 100% after it
//   sweep     every instant, in an order of its own (sweep.h)
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/aim/lengths.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/event/span.h"

namespace harness::aim {

struct Offset {
  enum class Kind { duration, percent, sweep };
  Kind kind = Kind::duration;
  Microseconds duration{0};
  double percent = 0;

  bool operator==(const Offset&) const = default;

  // 0% is the opening marker itself and needs no length.
  bool needs_length() const {
    return kind == Kind::sweep || (kind == Kind::percent && percent != 0);
  }
};

// invalid_input says what is taken. "+500ms" is 500ms.
Result<Offset> parse_offset(std::string_view text);
// The form that parse_offset reads back: in names of cases.
std::string to_string(const Offset& offset);

// An instant, relative to the window that is studied.
struct Aim {
  enum class Where { before, inside, after };  // its opening; -; its closing
  Where where = Where::inside;
  Microseconds distance{0};  // back from the opening, on from the opening, on from the closing

  bool operator==(const Aim&) const = default;
};

std::string_view to_string(Aim::Where where);  // "before", "inside", "after"
// Anything else is inside.
Aim::Where where_from(std::string_view text);
std::string to_string(const Aim& aim);  // "-200ms", "+500ms", "closed+20ms"
// What to_string wrote; invalid_input says what is taken.
Result<Aim> parse_aim(std::string_view text);
// Signed and counted from the opening; for `after` the length is added.
Microseconds from_opening(const Aim& aim, Microseconds length);

// `length` is the learned one. invalid_input when it is needed and not there.
Result<Aim> resolve(const Offset& offset, std::optional<Microseconds> length);

// What the trigger on the node has to wait for.
struct Anchor {
  std::string marker_of;  // the window whose marker it is
  std::vector<event::Marker> open;
  std::vector<event::Marker> close;  // seeing one before firing is a miss
  Microseconds offset{0};
};

// `before` counts on from the nearest earlier marker that leaves room: the gap to it must have been
// learned. invalid_input names the windows that were looked at when none does.
Result<Anchor> anchor(const Aim& aim,
                      const event::WindowDef& window,
                      const std::vector<event::WindowDef>& all,
                      const Lengths& lengths,
                      const Where& where);

}  // namespace harness::aim
