#include "harness/compare/selfcheck.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "harness/compare/render.h"

namespace harness::compare {
namespace {

using check::CaseVerdict;
using check::Verdict;

constexpr std::string_view kBefore = "v1.30.11+";
constexpr std::string_view kBroken = "v1.30.12+";
constexpr std::string_view kFirst = "v1.30.13-rc1+";
constexpr std::string_view kSecond = "v1.30.13-rc2+";

using Wanted = std::function<bool(const NameParts&)>;

std::vector<CaseVerdict> those(const std::vector<CaseVerdict>& cases, const Wanted& wanted) {
  std::vector<CaseVerdict> out;
  std::ranges::copy_if(cases, std::back_inserter(out), [&](const CaseVerdict& one) {
    return wanted(parts_of(one.name));
  });
  return out;
}

Wanted on_path(std::string_view from, std::string_view to) {
  return [from, to](const NameParts& name) {
    return name.from.starts_with(from) && name.to.starts_with(to);
  };
}

Held judged(const CaseVerdict& one, Verdict outcome) {
  if (one.verdict == Verdict::pass && one.outcome == outcome) {
    return Held::yes;
  }
  return one.outcome == Verdict::pass || one.outcome == Verdict::fail ? Held::no : Held::unproven;
}

Held worse_of(Held one, Held two) {
  return one == Held::no || two == Held::no     ? Held::no
         : one == Held::yes && two == Held::yes ? Held::yes
                                                : Held::unproven;
}

// Every case must come to `outcome`, and to it for the reason that the suite expects.
void judge(Lane& lane, const std::vector<CaseVerdict>& cases, Verdict outcome) {
  if (cases.empty()) {
    lane.came = "it did not run";
    return;
  }
  lane.held = Held::yes;
  for (const CaseVerdict& one : cases) {
    lane.held = worse_of(lane.held, judged(one, outcome));
    lane.came += fmt::format("{}{}: {} ({})",
                             lane.came.empty() ? "" : "; ",
                             one.name,
                             stats::describe(stats::rate_of(one.trials)),
                             one.reason);
  }
}

Lane red(const std::vector<CaseVerdict>& cases) {
  Lane lane{.name = "v1.30.11 to v1.30.12, no fault",
            .expected = "fails by itself, as rancher/rke2#8269 has it",
            .came = {}};
  const Wanted path = on_path(kBefore, kBroken);
  judge(lane,
        those(cases,
              [&](const NameParts& name) { return path(name) && name.what.starts_with("none/"); }),
        Verdict::fail);
  return lane;
}

Lane green(const std::vector<CaseVerdict>& cases) {
  Lane lane{.name = "v1.30.12 to v1.30.13-rc2, a kill in the start-up hooks",
            .expected = "passes",
            .came = {}};
  const Wanted path = on_path(kBroken, kSecond);
  judge(lane,
        those(cases,
              [&](const NameParts& name) {
                return path(name) && name.what.starts_with("kill-") &&
                       name.what.find("/start-up-hooks") != std::string::npos;
              }),
        Verdict::pass);
  return lane;
}

Lane quiet(const std::vector<CaseVerdict>& cases, Comparison& noise) {
  Lane lane{.name = "v1.30.13-rc1 against v1.30.13-rc2, both from v1.30.12",
            .expected = "no difference",
            .came = {}};
  const auto first = those(cases, on_path(kBroken, kFirst));
  const auto second = those(cases, on_path(kBroken, kSecond));
  if (first.empty() || second.empty()) {
    lane.came = fmt::format("{} did not run", first.empty() ? "v1.30.13-rc1" : "v1.30.13-rc2");
    return lane;
  }
  noise = compare(first, second);
  for (const Line& line : noise.lines) {
    lane.came += fmt::format("{}{}: {}, {}",
                             lane.came.empty() ? "" : "; ",
                             line.what,
                             to_string(line.outcome),
                             line.reason);
  }
  if (lane.came.empty() || !noise.unpaired.empty()) {
    lane.came += fmt::format("{}{} case(s) could not be held against another",
                             lane.came.empty() ? "" : "; ",
                             noise.unpaired.size());
  }
  // Every line counts by itself: better is a difference too.
  const auto differs = [](const Line& line) {
    return line.outcome == Outcome::worse || line.outcome == Outcome::better;
  };
  if (std::ranges::any_of(noise.lines, differs)) {
    lane.held = Held::no;
  } else if (noise.outcome == Outcome::same && noise.unpaired.empty()) {
    lane.held = Held::yes;
  }
  return lane;
}

}  // namespace

std::string_view to_string(Held held) {
  switch (held) {
    case Held::yes:
      return "yes";
    case Held::no:
      return "no";
    case Held::unproven:
      return "unproven";
  }
  return "unproven";
}

Held Selfcheck::held() const {
  Held out = lanes.empty() ? Held::unproven : Held::yes;
  for (const Lane& lane : lanes) {
    out = worse_of(out, lane.held);
  }
  return out;
}

Selfcheck selfcheck(const std::vector<CaseVerdict>& cases) {
  Selfcheck out;
  out.lanes = {red(cases), green(cases)};
  out.lanes.push_back(quiet(cases, out.noise));
  return out;
}

int exit_status(const Selfcheck& check, int of_the_run) {
  if (of_the_run == 5 || of_the_run >= 124) {
    return of_the_run;
  }
  switch (check.held()) {
    case Held::yes:
      return 0;
    case Held::no:
      return 1;
    case Held::unproven:
      return of_the_run == 3 ? 3 : 4;
  }
  return 4;
}

std::string Selfcheck::to_markdown() const {
  const Held all = held();
  std::string out = fmt::format(
      "# {}\n\n| lane | expected | came | held |\n|---|---|---|---|\n",
      all == Held::yes  ? "The harness can be believed"
      : all == Held::no ? "The harness cannot be believed: a lane came out otherwise than it must"
                        : "Nothing is said about the harness: a lane did not run to its end");
  for (const Lane& lane : lanes) {
    out += fmt::format("| {} | {} | {} | {} |\n",
                       lane.name,
                       lane.expected,
                       report::table_cell(lane.came, 1200),
                       compare::to_string(lane.held));
  }
  return out + (noise.lines.empty() ? "" : "\n" + table_of(noise));
}

Json Selfcheck::to_json() const {
  Json out = {{"believed", held() == Held::yes},
              {"held", compare::to_string(held())},
              {"lanes", Json::array()},
              {"noise", noise.to_json()}};
  for (const Lane& lane : lanes) {
    out["lanes"].push_back({{"lane", lane.name},
                            {"expected", lane.expected},
                            {"came", lane.came},
                            {"held", compare::to_string(lane.held)}});
  }
  return out;
}

}  // namespace harness::compare
