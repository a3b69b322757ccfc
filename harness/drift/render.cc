#include "harness/drift/render.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/length.h"

namespace harness::drift {
namespace {

constexpr std::size_t kLengthsInText = 50;  // of one window

std::string length_text(std::int64_t length_us) {
  return length_us < 0 ? "no times" : format_length(Microseconds(length_us));
}

std::string length_of(const WindowSeen& seen) {
  if (!seen.closed) {
    return seen.may_stay_open ? "may stay open" : "not closed";
  }
  return length_text(seen.length_us);
}

// All lengths of a window that opened more than once, in order.
std::string spans_of(const WindowSeen& seen) {
  if (seen.spans < 2) {
    return "";
  }
  std::vector<std::string> all;
  for (std::size_t i = 0; i < std::min(seen.lengths_us.size(), kLengthsInText); ++i) {
    all.push_back(length_text(seen.lengths_us[i]));
  }
  const std::size_t closed = static_cast<std::size_t>(seen.spans) - (seen.closed ? 0 : 1);
  if (closed > all.size()) {
    all.push_back(fmt::format("{} more, see --json", closed - all.size()));
  }
  if (!seen.closed) {
    all.push_back(length_of(seen));
  }
  return fmt::format("  (the last of {}: {})", seen.spans, fmt::join(all, ", "));
}

std::string unshown_of(const Source& source) {
  const Unshown& unshown = source.unshown;
  return fmt::format("{} older invocation(s) are not shown, {} of them differ{}",
                     unshown.count,
                     unshown.drifted == 0 ? "none" : std::to_string(unshown.drifted),
                     unshown.drifted == 0 ? "" : ": a larger --last shows how");
}

std::string head_of(const Invocation& one) {
  std::string out =
      fmt::format("{} {}", one.unit, one.build.empty() ? "of an unknown build" : one.build);
  if (!one.commit.empty()) {
    out += fmt::format(" ({})", one.commit.substr(0, 12));
  }
  out += fmt::format(", {} line(s), {}",
                     one.lines,
                     !one.ready   ? "not seen to become ready"
                     : !one.whole ? "ready; its beginning is not in the journal"
                                  : "ready");
  return out;
}

std::string pack_of(const Invocation& one) {
  if (one.pack.empty()) {
    return "no pack holds for this build" +
           (one.best_pack.empty() ? std::string() : "; the one that fits best is " + one.best_pack);
  }
  return "pack " + one.pack +
         (one.best_pack.empty() ? std::string() : ", but " + one.best_pack + " fits better");
}

void add_findings(std::string& out, const Invocation& one, std::string_view indent) {
  if (one.strange_form) {
    out += fmt::format(
        "{}form         no line of the service is in a form that markers are held "
        "against (logrus as text, for terminals, or as JSON)\n",
        indent);
  }
  for (const std::string& missing : one.missing) {
    out += fmt::format("{}missing      {}\n", indent, missing);
  }
  for (const std::string& undecided : one.undecided) {
    out += fmt::format("{}undecided    {}\n", indent, undecided);
  }
  for (const Unexplained& line : one.unexplained) {
    out += fmt::format("{}unexplained  in {}: {} {} ({} x)\n",
                       indent,
                       line.window,
                       line.level.empty() ? "-" : line.level,
                       line.text,
                       line.count);
  }
  if (one.unexplained_more > 0) {
    out += fmt::format(
        "{}unexplained  {} more line(s), of yet other texts\n", indent, one.unexplained_more);
  }
}

std::string end_of(const Source& source, const std::deque<Invocation>& invocations) {
  std::string out;
  for (const std::string& doubt : doubts(source, invocations)) {
    out += fmt::format("\nnot proved   {}", doubt);
  }
  switch (judge(source, invocations)) {
    case Verdict::differs:
      return out + "\nThe packs and this journal differ; --report FILE writes what to send.\n";
    case Verdict::unproven:
      return out + "\nThis journal does not prove that the packs are right.\n";
    case Verdict::same:
      break;
  }
  return out + "\nNothing differs from the packs.\n";
}

}  // namespace

std::string to_text(const Source& source, const std::deque<Invocation>& invocations) {
  std::string out = fmt::format("{}: {} line(s) of RKE2 in {} invocation(s)",
                                source.what,
                                source.entries,
                                source.invocations);
  if (source.unreadable > 0) {
    out += fmt::format("; {} could not be read", source.unreadable);
  }
  if (source.without_text > 0) {
    out += fmt::format("; {} without text", source.without_text);
  }
  out += "\n";
  if (source.unshown.count > 0) {
    out += fmt::format("  {}\n", unshown_of(source));
  }
  for (const Invocation& one : invocations) {
    out += fmt::format("\n{} {}\n  {}\n",
                       one.started_wall_us == 0 ? one.id : format_wall(one.started_wall_us),
                       head_of(one),
                       pack_of(one));
    for (const WindowSeen& seen : one.windows) {
      out += fmt::format("  {:<20} {:>12}{}\n", seen.window, length_of(seen), spans_of(seen));
    }
    if (!one.not_visible.empty()) {
      out += fmt::format("  not visible in a journal: {}\n", fmt::join(one.not_visible, ", "));
    }
    if (!one.last_words.empty()) {
      out += fmt::format("  last words   {}\n", one.last_words);
    }
    add_findings(out, one, "  ");
  }
  return out + end_of(source, invocations);
}

std::string to_report(const Source& source,
                      const std::deque<Invocation>& invocations,
                      const std::string& tool) {
  std::string out = fmt::format(
      "# Window packs against a journal\n\n{}: {} line(s) in {} invocation(s). {}.\n\n"
      "Digits are shown as #, secrets are left out; read it before you send it.\n",
      "A journal",
      source.entries,
      source.invocations,
      tool);
  if (source.unshown.drifted > 0) {
    out += fmt::format("\n{}.\n", unshown_of(source));
  }
  for (const Invocation& one : invocations) {
    if (!one.drifts()) {
      continue;
    }
    out += fmt::format("\n## {}\n\n{}.\n\n```\n", head_of(one), pack_of(one));
    for (const WindowSeen& seen : one.windows) {
      out += fmt::format("{:<20} {}{}\n", seen.window, length_of(seen), spans_of(seen));
    }
    add_findings(out, one, "");
    out += "```\n";
  }
  const Verdict verdict = judge(source, invocations);
  if (verdict != Verdict::differs) {
    out += verdict == Verdict::same ? "\nNothing differs.\n" : "\nNothing is proved.\n";
  }
  return out;
}

}  // namespace harness::drift
