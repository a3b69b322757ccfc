#include "harness/aim/offset.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace harness::aim {
namespace {

// What a sweep aims just behind a window lies many of its lengths off where that is short.
constexpr double kFurthestPercent = 1e9;

Error unknown(std::string_view text) {
  return {ErrorCode::invalid_input,
          fmt::format("'{}' is no offset: a duration such as 500ms or -200ms, a percentage such as "
                      "50%, or sweep",
                      text)};
}

Result<Offset> parse_percent(std::string_view text) {
  const std::string_view digits = text.substr(0, text.size() - 1);
  double value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value) ||
      std::abs(value) > kFurthestPercent) {
    return fail(unknown(text));
  }
  return Offset{.kind = Offset::Kind::percent, .percent = value};
}

}  // namespace

Result<Offset> parse_offset(std::string_view text) {
  if (text == "sweep") {
    return Offset{.kind = Offset::Kind::sweep};
  }
  if (text.ends_with('%') && text.size() > 1) {
    return parse_percent(text.starts_with('+') ? text.substr(1) : text);
  }
  const bool negative = text.starts_with('-');
  const auto duration = parse_duration(negative || text.starts_with('+') ? text.substr(1) : text);
  if (!duration) {
    return fail(unknown(text));
  }
  return Offset{.duration = negative ? -*duration : *duration};
}

std::string to_string(const Offset& offset) {
  switch (offset.kind) {
    case Offset::Kind::sweep:
      return "sweep";
    case Offset::Kind::percent:
      return fmt::format("{:g}%", offset.percent);
    case Offset::Kind::duration:
      break;
  }
  return offset.duration.count() < 0 ? "-" + format_duration(-offset.duration)
                                     : format_duration(offset.duration);
}

std::string_view to_string(Aim::Where where) {
  return where == Aim::Where::before ? "before" : where == Aim::Where::after ? "after" : "inside";
}

Aim::Where where_from(std::string_view text) {
  return text == "before"  ? Aim::Where::before
         : text == "after" ? Aim::Where::after
                           : Aim::Where::inside;
}

std::string to_string(const Aim& aim) {
  const std::string distance = format_duration(aim.distance);
  return aim.where == Aim::Where::before  ? "-" + distance
         : aim.where == Aim::Where::after ? "closed+" + distance
                                          : "+" + distance;
}

Result<Aim> parse_aim(std::string_view text) {
  constexpr std::string_view kClosed = "closed+";
  Aim out;
  if (text.starts_with(kClosed)) {
    out.where = Aim::Where::after;
    text.remove_prefix(kClosed.size());
  } else if (text.starts_with('-') || text.starts_with('+')) {
    out.where = text.front() == '-' ? Aim::Where::before : Aim::Where::inside;
    text.remove_prefix(1);
  } else {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' is no aim; -200ms, +500ms or closed+20ms", text));
  }
  TRY_ASSIGN(out.distance, parse_duration(text), "aim");
  return out;
}

Microseconds from_opening(const Aim& aim, Microseconds length) {
  return aim.where == Aim::Where::before  ? -aim.distance
         : aim.where == Aim::Where::after ? length + aim.distance
                                          : aim.distance;
}

Result<Aim> resolve(const Offset& offset, std::optional<Microseconds> length) {
  if (offset.kind == Offset::Kind::duration) {
    return offset.duration.count() < 0 ? Aim{Aim::Where::before, -offset.duration}
                                       : Aim{Aim::Where::inside, offset.duration};
  }
  if (offset.kind == Offset::Kind::percent && offset.percent == 0) {
    return Aim{};
  }
  if (!length) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} needs the window's learned length", to_string(offset)));
  }
  if (offset.kind == Offset::Kind::sweep) {
    return Aim{};
  }
  const auto part = [&](double percent) {
    return Microseconds(std::llround(static_cast<double>(length->count()) * percent / 100));
  };
  if (offset.percent < 0) {
    return Aim{Aim::Where::before, part(-offset.percent)};
  }
  return offset.percent > 100 ? Aim{Aim::Where::after, part(offset.percent - 100)}
                              : Aim{Aim::Where::inside, part(offset.percent)};
}

Result<Anchor> anchor(const Aim& aim,
                      const event::WindowDef& window,
                      const std::vector<event::WindowDef>& all,
                      const Lengths& lengths,
                      const Where& where) {
  if (aim.where == Aim::Where::inside) {
    return Anchor{window.name, window.open, window.close, aim.distance};
  }
  if (aim.where == Aim::Where::after) {
    return Anchor{window.name, window.close, window.open, aim.distance};
  }
  std::optional<Anchor> best;
  Microseconds best_gap{0};
  std::string seen;
  for (const event::WindowDef& earlier : all) {
    const auto gap = lengths.gap(earlier.name, window.name, where);
    if (!gap || earlier.open == window.open) {
      continue;
    }
    seen += fmt::format(
        "{}{} ({} before)", seen.empty() ? "" : ", ", earlier.name, format_duration(gap->median));
    // The shortest start that was seen must leave room, or the instant is past when the marker
    // comes.
    if (gap->shortest >= aim.distance && (!best || gap->median < best_gap)) {
      best = Anchor{earlier.name, earlier.open, window.open, gap->median - aim.distance};
      best_gap = gap->median;
    }
  }
  if (best) {
    return *best;
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("nothing to count back from {} by {}: {}; `{}` learns the gaps",
                          window.name,
                          format_duration(aim.distance),
                          seen.empty() ? "no earlier marker has been learned on this hop"
                                       : "the learned ones come too late: " + seen,
                          how_to_learn(where)));
}

}  // namespace harness::aim
