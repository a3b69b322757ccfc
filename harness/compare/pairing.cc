#include "harness/compare/pairing.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

namespace harness::compare {
namespace {

using check::CaseVerdict;

constexpr std::string_view kTo = "_to_";

struct Candidate {
  const CaseVerdict* one = nullptr;
  NameParts parts;
  const CaseVerdict* partner = nullptr;
  std::string by;
};

using Candidates = std::vector<Candidate>;
using Fits = std::function<bool(const NameParts&, const NameParts&)>;

Candidates candidates_of(const std::vector<CaseVerdict>& cases) {
  Candidates out;
  for (const CaseVerdict& one : cases) {
    out.push_back({.one = &one, .parts = parts_of(one.name), .partner = nullptr, .by = {}});
  }
  return out;
}

// The only one of `among` that is free and fits; null when there is none, or a choice.
Candidate* only_one(const Candidate& wanted, Candidates& among, const Fits& fits) {
  Candidate* found = nullptr;
  for (Candidate& one : among) {
    if (one.partner == nullptr && one.parts.what == wanted.parts.what &&
        fits(wanted.parts, one.parts)) {
      if (found != nullptr) {
        return nullptr;
      }
      found = &one;
    }
  }
  return found;
}

void pair_by(const std::string& by, const Fits& fits, Candidates& before, Candidates& after) {
  for (Candidate& one : before) {
    if (one.partner != nullptr) {
      continue;
    }
    Candidate* other = only_one(one, after, fits);
    if (other != nullptr && only_one(*other, before, fits) == &one) {
      one.partner = other->one;
      one.by = by;
      other->partner = one.one;
    }
  }
}

std::string why_alone(const Candidate& one, const Candidates& others) {
  std::string free;
  std::string taken;
  for (const Candidate& other : others) {
    if (other.parts.what == one.parts.what) {
      std::string& list = other.partner == nullptr ? free : taken;
      list += (list.empty() ? "" : ", ") + other.one->name;
    }
  }
  if (!free.empty()) {
    return "more than one case could be held against another here; the other run has " + free;
  }
  return taken.empty() ? "the other run has no case of " + one.parts.what
                       : "its like in the other run has a closer match: " + taken;
}

void list_alone(const Candidates& cases,
                const Candidates& others,
                bool in_after,
                std::vector<Unpaired>& out) {
  for (const Candidate& one : cases) {
    if (one.partner == nullptr) {
      out.push_back({.name = one.one->name,
                     .in_after = in_after,
                     .reason = why_alone(one, others),
                     .failed = one.one->verdict == check::Verdict::fail});
    }
  }
}

}  // namespace

NameParts parts_of(const std::string& case_name) {
  for (std::size_t begin = case_name.find('/'); begin != std::string::npos;) {
    const std::size_t end = case_name.find('/', begin + 1);
    const std::size_t to = case_name.find(kTo, begin + 1);
    if (end != std::string::npos && to != std::string::npos && to < end) {
      return {.suite = case_name.substr(0, begin),
              .from = case_name.substr(begin + 1, to - begin - 1),
              .to = case_name.substr(to + kTo.size(), end - to - kTo.size()),
              .what = case_name.substr(end + 1)};
    }
    begin = end;
  }
  return {.suite = {}, .from = {}, .to = {}, .what = case_name};
}

Pairing pair_cases(const std::vector<CaseVerdict>& before, const std::vector<CaseVerdict>& after) {
  Candidates ones = candidates_of(before);
  Candidates others = candidates_of(after);
  const Fits path = [](const NameParts& a, const NameParts& b) {
    return a.from == b.from && a.to == b.to;
  };
  const Fits from = [](const NameParts& a, const NameParts& b) { return a.from == b.from; };
  const Fits any = [](const NameParts&, const NameParts&) { return true; };
  const auto of_a_suite = [](const Fits& fits) -> Fits {
    return
        [fits](const NameParts& a, const NameParts& b) { return a.suite == b.suite && fits(a, b); };
  };
  pair_by("the same path", of_a_suite(path), ones, others);
  pair_by("the same path", path, ones, others);
  pair_by("the same release before", of_a_suite(from), ones, others);
  pair_by("the same release before", from, ones, others);
  pair_by("the only one of its kind in each run", any, ones, others);
  Pairing out;
  for (const Candidate& one : ones) {
    if (one.partner != nullptr) {
      out.pairs.push_back({one.one, one.partner, one.by});
    }
  }
  list_alone(ones, others, false, out.unpaired);
  list_alone(others, ones, true, out.unpaired);
  return out;
}

}  // namespace harness::compare
