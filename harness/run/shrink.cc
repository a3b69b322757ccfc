#include "harness/run/shrink.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace harness::run {
namespace {

constexpr std::string_view kOutcomes[] = {"not yet", "fails", "survives", "undecided"};

// Of a case its first fault, or a further one.
template <typename Fault>
std::string fault_in_words(const Fault& one) {
  return fmt::format("{} in {}{} {} on {}",
                     plan::FaultChoice{one.fault, one.params}.describe(),
                     one.window.name,
                     one.seen.elsewhere() ? " of " + one.seen.node : "",
                     aim::to_string(one.shot.aim),
                     one.target);
}

std::string in_words(const plan::Case& cell) {
  if (cell.companions.empty() && cell.window.name.empty()) {
    return "no fault at all";
  }
  std::string out = fault_in_words(cell);
  for (const plan::Companion& one : cell.companions) {
    out += one.next_boot ? ", in the next boot " : one.after_previous ? ", then " : ", with ";
    out += fault_in_words(one);
  }
  return out;
}

// As a suite writes it. An instant after the window is a percentage of its learned length, or the
// window's end where the trial did not record that length.
std::string offset_text(const aim::Offset& offset, const plan::Shot& shot) {
  const aim::Aim& aim = shot.aim;
  if (offset.kind != aim::Offset::Kind::sweep) {
    return aim::to_string(offset);
  }
  if (aim.where != aim::Aim::Where::after) {
    return fmt::format(
        "{}{}", aim.where == aim::Aim::Where::before ? "-" : "", format_duration(aim.distance));
  }
  if (!shot.learned_us || *shot.learned_us <= 0) {
    return "100%";
  }
  const auto whole = static_cast<double>(*shot.learned_us);
  return fmt::format("{:.12g}%",
                     100.0 * (whole + static_cast<double>(aim.distance.count())) / whole);
}

std::string fault_text(const std::string& fault, const plan::Params& params) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : params) {
    pairs.push_back(fmt::format("{}: \"{}\"", key, value));
  }
  return pairs.empty() ? fault : fmt::format("{{{}: {{{}}}}}", fault, fmt::join(pairs, ", "));
}

}  // namespace

Result<Confirm> Confirm::parse(std::string_view text) {
  Confirm out;
  const std::size_t slash = text.find('/');
  const auto number = [](std::string_view digits, int& into) {
    const char* end = digits.data() + digits.size();
    const auto [at, problem] = std::from_chars(digits.data(), end, into);
    return problem == std::errc() && at == end && !digits.empty();
  };
  if (slash == std::string_view::npos || !number(text.substr(0, slash), out.failures) ||
      !number(text.substr(slash + 1), out.of) || out.failures < 1 || out.of < out.failures ||
      out.of > 100) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("--confirm takes K/N, K failures of N hits, as in 2/3; not '{}'", text));
  }
  return out;
}

std::string Confirm::text() const {
  return fmt::format("{}/{}", failures, of);
}

std::vector<std::string> shrink_command(const ReplaySpec& trial,
                                        const std::string& inventory,
                                        const Confirm& confirm) {
  return {"hookshot", "shrink", trial.text(), "-i", inventory, "--confirm", confirm.text()};
}

Confirmed confirmed(const std::vector<check::TrialVerdict>& trials, const Confirm& confirm) {
  const auto count = [&](check::Verdict verdict) {
    return static_cast<int>(std::ranges::count_if(trials, [&](const check::TrialVerdict& one) {
      return one.counts && one.verdict == verdict;
    }));
  };
  if (count(check::Verdict::fail) >= confirm.failures) {
    return Confirmed::fails;
  }
  if (count(check::Verdict::pass) > confirm.of - confirm.failures) {
    return Confirmed::survives;
  }
  return static_cast<int>(trials.size()) >= 3 * confirm.of ? Confirmed::undecided
                                                           : Confirmed::not_yet;
}

plan::Case part_of(const plan::Case& cell, const plan::Shot& shot, const Part& part) {
  plan::Case out = cell;
  out.expect = plan::Expect::pass;
  out.because.clear();
  out.fatal.clear();
  out.sweep.reset();
  out.again.clear();
  out.companions.clear();
  out.shot = shot;
  out.shot.companions.clear();
  const auto anchored = [&](std::size_t i) {
    plan::Companion one = cell.companions[i - 1];
    if (i - 1 < shot.companions.size()) {
      one.shot = shot.companions[i - 1];
    }
    one.shot.replays = shot.replays;
    return one;
  };
  if (part.empty()) {
    out.fault = "none";
    out.params.clear();
    out.window = {};
    out.offset = {};
    out.seen = {};
    out.shot = {};
  } else if (part.front() != 0) {
    plan::Companion first = anchored(part.front());
    out.fault = std::move(first.fault);
    out.params = std::move(first.params);
    out.with_keys = first.with_keys;
    out.window = std::move(first.window);
    out.offset = first.offset;
    out.shot = std::move(first.shot);
    out.target = std::move(first.target);
    out.on_server = first.on_server;
    out.seen = std::move(first.seen);
  }
  for (std::size_t at = 1; at < part.size(); ++at) {
    plan::Companion one = anchored(part[at]);
    one.after_previous = one.after_previous && part[at - 1] + 1 == part[at];
    one.next_boot = one.next_boot && out.reboots(one.target);
    out.companions.push_back(std::move(one));
  }
  out.name = plan::name_of(out);
  return out;
}

std::string suite_text(const plan::Case& cell, const Confirm& confirm) {
  std::string out = fmt::format(
      "suite: shrunk\n"
      "question: Is this enough for the failure that was seen?\n"
      "paths:\n"
      "  - {{versions: [{}, {}]{}}}\n"
      "matrix:\n"
      "  fault: [{}]\n",
      cell.from.tag(),
      cell.to.tag(),
      cell.by_reboot ? ", restart: reboot" : "",
      fault_text(cell.fault, cell.params));
  if (!cell.window.name.empty()) {
    out += fmt::format(
        "  window: [{}]\n  offset: [{}]\n", cell.window.name, offset_text(cell.offset, cell.shot));
  }
  out += fmt::format("  target: [{}]\n", cell.target);
  out += cell.seen.elsewhere() ? fmt::format("  while: {}\n", cell.seen.node) : "";
  out += cell.companions.empty() ? "" : "faults:\n";
  for (const plan::Companion& one : cell.companions) {
    out += fmt::format("  - {{fault: {}, window: {}, offset: {}, target: {}{}}}\n",
                       fault_text(one.fault, one.params),
                       one.window.name,
                       aim::to_string(one.offset),
                       one.target,
                       one.seen.elsewhere() ? ", while: " + one.seen.node
                       : one.next_boot      ? ", boot: next"
                       : one.after_previous ? ", after: previous"
                                            : "");
  }
  out += fmt::format(
      "hits: {}\nattempts: {}\nbudget: {{servers_down: {}, apiserver_outage: {}, recovery: {}}}\n",
      confirm.of,
      3 * confirm.of,
      cell.budget.servers_down,
      format_duration(cell.budget.apiserver_outage),
      format_duration(cell.budget.recovery));
  return out;
}

Json Shrunk::to_json() const {
  Json out = {{"reproduced", reproduced}, {"candidates", Json::array()}};
  if (reproduced) {
    out["smallest"] = smallest.to_json();
  }
  for (const Candidate& one : candidates) {
    out["candidates"].push_back({{"name", one.name},
                                 {"faults", one.faults},
                                 {"trials", one.trials},
                                 {"hits", one.hits},
                                 {"failures", one.failures},
                                 {"outcome", kOutcomes[static_cast<int>(one.outcome)]}});
  }
  return out;
}

std::string Shrunk::describe(const Confirm& confirm, const std::string& command) const {
  std::string out;
  for (const Candidate& one : candidates) {
    out += fmt::format("{}: {} of {} hits failed in {} trials: {}\n",
                       one.faults,
                       one.failures,
                       one.hits,
                       one.trials,
                       kOutcomes[static_cast<int>(one.outcome)]);
  }
  if (!reproduced) {
    return out + fmt::format(
                     "\nThe failure did not come again {} of {} times, so nothing was "
                     "taken away.\n",
                     confirm.failures,
                     confirm.of);
  }
  const auto enough = std::ranges::find(candidates, smallest.name, &Candidate::name);
  out += fmt::format("\n{} is enough: {} of {} hits failed.\nAgain: {}\n",
                     in_words(smallest),
                     enough->failures,
                     enough->hits,
                     command);
  if (std::ranges::find(candidates, Confirmed::undecided, &Candidate::outcome) !=
      candidates.end()) {
    out += "What is undecided was not taken away: too few of its trials landed.\n";
  }
  return out;
}

Result<Shrunk> shrink(
    const plan::Case& cell,
    const plan::Shot& shot,
    const Confirm& confirm,
    const std::function<Result<std::vector<check::TrialVerdict>>(const plan::Case&)>& next,
    const std::function<void(const plan::Case&)>& began) {
  Shrunk out;
  const auto still = [&](const Part& part) -> Result<bool> {
    const plan::Case candidate = part_of(cell, shot, part);
    began(candidate);
    Candidate seen{.name = candidate.name, .faults = in_words(candidate)};
    std::vector<check::TrialVerdict> trials;
    for (; seen.outcome == Confirmed::not_yet; seen.outcome = confirmed(trials, confirm)) {
      TRY_ASSIGN(trials, next(candidate), candidate.name);
    }
    seen.trials = static_cast<int>(trials.size());
    for (const check::TrialVerdict& one : trials) {
      seen.hits += one.counts ? 1 : 0;
      seen.failures += one.counts && one.verdict == check::Verdict::fail ? 1 : 0;
    }
    out.candidates.push_back(seen);
    return seen.outcome == Confirmed::fails;
  };
  Part whole(cell.fault == "none" ? 0 : cell.companions.size() + 1);
  std::iota(whole.begin(), whole.end(), 0U);
  TRY_ASSIGN(out.reproduced, still(whole), "shrink");
  if (out.reproduced && !whole.empty()) {
    TRY_ASSIGN(whole, smallest(whole.size(), still), "shrink");
  }
  out.smallest = part_of(cell, shot, whole);
  return out;
}

}  // namespace harness::run
