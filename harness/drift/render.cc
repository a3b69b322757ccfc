#include "harness/drift/render.h"

#include <fmt/format.h>

#include "harness/base/length.h"

namespace harness::drift {
namespace {

std::string length_of(const WindowSeen& seen) {
  if (!seen.closed) {
    return seen.may_stay_open ? "may stay open" : "not closed";
  }
  if (seen.length_us < 0) {
    return "no times";
  }
  return format_length(Microseconds(seen.length_us));
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

Json to_json(const Invocation& one) {
  Json out = {{"invocation", one.id},
              {"boot_id", one.boot_id},
              {"unit", one.unit},
              {"build", one.build},
              {"commit", one.commit},
              {"pack", one.pack},
              {"best_pack", one.best_pack},
              {"started_at", one.started_wall_us == 0 ? "" : format_wall(one.started_wall_us)},
              {"lines", one.lines},
              {"ready", one.ready},
              {"whole", one.whole},
              {"strange_form", one.strange_form},
              {"without_text", one.without_text},
              {"last_words", one.last_words},
              {"drifts", one.drifts()},
              {"windows", Json::array()},
              {"missing", one.missing},
              {"undecided", one.undecided},
              {"not_visible", one.not_visible},
              {"unexplained", Json::array()},
              {"fits", Json::array()}};
  for (const WindowSeen& seen : one.windows) {
    out["windows"].push_back({{"window", seen.window},
                              {"spans", seen.spans},
                              {"closed", seen.closed},
                              {"may_stay_open", seen.may_stay_open},
                              {"length_us", seen.length_us},
                              {"opened_by", seen.opened_by},
                              {"closed_by", seen.closed_by}});
  }
  for (const Unexplained& line : one.unexplained) {
    out["unexplained"].push_back({{"window", line.window},
                                  {"level", line.level},
                                  {"text", line.text},
                                  {"count", line.count}});
  }
  for (const Fit& fit : one.fits) {
    out["fits"].push_back({{"line", fit.line}, {"seen", fit.seen}, {"wanted", fit.wanted}});
  }
  return out;
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

Json to_json(const Source& source, const std::deque<Invocation>& invocations) {
  Json out = {{"source", source.what},
              {"entries", source.entries},
              {"unreadable", source.unreadable},
              {"without_text", source.without_text},
              {"invocation_count", source.invocations},
              {"verdict", to_string(judge(source, invocations))},
              {"drifts", judge(source, invocations) == Verdict::differs},
              {"doubts", doubts(source, invocations)},
              {"invocations", Json::array()}};
  for (const Invocation& one : invocations) {
    out["invocations"].push_back(to_json(one));
  }
  return out;
}

std::string to_text(const Source& source, const std::deque<Invocation>& invocations) {
  std::string out = fmt::format("{}: {} line(s) of RKE2 in {} invocation(s)",
                                source.what,
                                source.entries,
                                source.invocations);
  if (source.invocations > invocations.size()) {
    out += fmt::format(", the last {} are shown", invocations.size());
  }
  if (source.unreadable > 0) {
    out += fmt::format("; {} could not be read", source.unreadable);
  }
  if (source.without_text > 0) {
    out += fmt::format("; {} without text", source.without_text);
  }
  out += "\n";
  for (const Invocation& one : invocations) {
    out += fmt::format("\n{} {}\n  {}\n",
                       one.started_wall_us == 0 ? one.id : format_wall(one.started_wall_us),
                       head_of(one),
                       pack_of(one));
    for (const WindowSeen& seen : one.windows) {
      out += fmt::format("  {:<20} {:>12}{}\n",
                         seen.window,
                         length_of(seen),
                         seen.spans > 1 ? fmt::format("  (the last of {})", seen.spans) : "");
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
  for (const Invocation& one : invocations) {
    if (!one.drifts()) {
      continue;
    }
    out += fmt::format("\n## {}\n\n{}.\n\n```\n", head_of(one), pack_of(one));
    for (const WindowSeen& seen : one.windows) {
      out += fmt::format("{:<20} {}\n", seen.window, length_of(seen));
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
