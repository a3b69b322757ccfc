#include "harness/soak/round.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace harness::soak {
namespace {

constexpr std::array<std::pair<Mishap, std::string_view>, 7> kMishaps = {
    {{Mishap::none, "none"},
     {Mishap::undone_twice, "undone twice"},
     {Mishap::undone_first, "undone first"},
     {Mishap::controller_killed, "controller killed"},
     {Mishap::trigger_killed, "trigger killed"},
     {Mishap::service_restarted, "service restarted"},
     {Mishap::rebooted, "rebooted"}}};
// In twentieths, in the order above.
constexpr std::array<int, 7> kWeights = {4, 3, 3, 5, 3, 1, 1};
constexpr int kAll = 20;
constexpr std::array<std::string_view, 4> kHolds = {"100ms", "500ms", "2s", "3s"};
constexpr int kMishapWithinMs = 1000;

std::vector<fault::Step> steps_of(const fault::FaultSpec& spec) {
  using fault::Step;
  std::vector<Step> out = {
      Step::begun, Step::checked, Step::armed, Step::known, Step::taken_back, Step::healed};
  if (std::ranges::find(spec.params, "duration", &fault::ParamSpec::name) == spec.params.end()) {
    std::erase(out, Step::taken_back);
  }
  return out;
}

}  // namespace

std::vector<Mishap> all_mishaps() {
  std::vector<Mishap> out;
  for (const auto& [mishap, name] : kMishaps) {
    out.push_back(mishap);
  }
  return out;
}

std::string_view to_string(Mishap mishap) {
  for (const auto& [known, name] : kMishaps) {
    if (known == mishap) {
      return name;
    }
  }
  return "?";
}

// std::uniform_int_distribution differs between libraries; a seed must not.
int Draw::below(int limit) {
  return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit));
}

Draw::Draw(std::uint64_t seed, bool each) : engine_(seed) {
  for (const auto& [name, spec] : fault::registry()) {
    // A reboot is a mishap of its own.
    if (name != "none" && name != "reboot") {
      specs_.push_back(&spec);
    }
  }
  for (const fault::FaultSpec* spec : each ? specs_ : std::vector<const fault::FaultSpec*>()) {
    for (const auto& [mishap, name] : kMishaps) {
      const bool killed = mishap == Mishap::controller_killed;
      for (const fault::Step step : killed ? steps_of(*spec) : std::vector(1, fault::Step::begun)) {
        deck_.push_back({spec, mishap, step});
      }
    }
  }
  for (std::size_t left = deck_.size(); left > 1; --left) {
    std::swap(deck_[left - 1], deck_[static_cast<std::size_t>(below(static_cast<int>(left)))]);
  }
}

Draw::Pair Draw::pair() {
  if (!deck_.empty()) {
    const Pair top = deck_.back();
    deck_.pop_back();
    return top;
  }
  const auto spec = static_cast<std::size_t>(below(static_cast<int>(specs_.size())));
  int at = below(kAll);
  std::size_t mishap = 0;
  while (at >= kWeights[mishap]) {
    at -= kWeights[mishap++];
  }
  const std::vector<fault::Step> steps = steps_of(*specs_[spec]);
  const auto step = static_cast<std::size_t>(below(static_cast<int>(steps.size())));
  return {specs_[spec], kMishaps[mishap].first, steps[step]};
}

Drawn Draw::next() {
  const auto [chosen, mishap, step] = pair();
  const fault::FaultSpec& spec = *chosen;
  Drawn out{.fault = std::string(spec.name), .mishap = mishap, .step = step};
  for (const fault::ParamSpec& param : spec.params) {
    std::string value(param.fallback);
    if (param.type == fault::ParamType::choice) {
      value =
          param.choices[static_cast<std::size_t>(below(static_cast<int>(param.choices.size())))];
    } else if (param.name == "duration") {
      value = kHolds[static_cast<std::size_t>(below(static_cast<int>(kHolds.size())))];
    }
    out.params.emplace(param.name, value);
  }
  out.after_ms = below(kMishapWithinMs);
  return out;
}

std::string Drawn::mishap_text() const {
  return mishap == Mishap::controller_killed
             ? fmt::format("{}: {}", to_string(mishap), fault::to_string(step))
             : std::string(to_string(mishap));
}

Json Round::to_json() const {
  return {{"round", number},
          {"fault", drawn.fault},
          {"params", drawn.params},
          {"mishap", drawn.mishap_text()},
          {"after_ms", drawn.after_ms},
          {"outcome", outcome},
          {"leaks", leaks},
          {"took_ms", took_ms}};
}

}  // namespace harness::soak
