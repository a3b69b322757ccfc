#include "harness/soak/round.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <sstream>

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

Drawn with_params(const Choice& choice, const std::function<int(int)>& below) {
  Drawn out{.fault = std::string(choice.spec->name)};
  const auto one_of = [&](const auto& values) {
    return values[static_cast<std::size_t>(below(static_cast<int>(values.size())))];
  };
  for (const fault::ParamSpec& param : choice.spec->params) {
    std::string value(param.fallback);
    if (param.type == fault::ParamType::choice) {
      value = one_of(param.choices);
    } else if (param.name == "duration") {
      value = one_of(kHolds);
    }
    out.params.emplace(param.name, value);
  }
  for (const auto& [name, value] : choice.fixed) {
    out.params.insert_or_assign(name, value);
  }
  return out;
}

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

Result<std::vector<Choice>> choices(const std::vector<std::string>& texts) {
  std::vector<Choice> out;
  for (const auto& [name, spec] : fault::registry()) {
    if (texts.empty() && name != "none" && name != "reboot") {
      out.push_back({&spec, {}});
    }
  }
  for (const std::string& text : texts) {
    std::istringstream all(text);
    std::vector<std::string> words(std::istream_iterator<std::string>(all), {});
    const auto found =
        words.empty() ? fault::registry().end() : fault::registry().find(words.front());
    if (found == fault::registry().end() || found->first == "none" || found->first == "reboot") {
      return fail(ErrorCode::invalid_input,
                  fmt::format("'{}': this fault cannot be drawn; `hookshot fault list` has them, "
                              "none and reboot are not drawn",
                              text));
    }
    words.erase(words.begin());
    TRY_ASSIGN(fault::Params fixed, fault::parse_params(words), text);
    out.push_back({&found->second, std::move(fixed)});
    const Drawn first = with_params(out.back(), [](int) { return 0; });
    TRY(fault::make_fault(first.fault, first.params), text);
  }
  return out;
}

Draw::Draw(std::uint64_t seed, std::vector<Choice> choices, bool each)
    : engine_(seed), choices_(std::move(choices)) {
  for (std::size_t choice = 0; each && choice < choices_.size(); ++choice) {
    for (const auto& [mishap, name] : kMishaps) {
      const bool killed = mishap == Mishap::controller_killed;
      for (const fault::Step step :
           killed ? steps_of(*choices_[choice].spec) : std::vector(1, fault::Step::begun)) {
        deck_.push_back({choice, mishap, step});
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
  const auto choice = static_cast<std::size_t>(below(static_cast<int>(choices_.size())));
  int at = below(kAll);
  std::size_t mishap = 0;
  while (at >= kWeights[mishap]) {
    at -= kWeights[mishap++];
  }
  const std::vector<fault::Step> steps = steps_of(*choices_[choice].spec);
  const auto step = static_cast<std::size_t>(below(static_cast<int>(steps.size())));
  return {choice, kMishaps[mishap].first, steps[step]};
}

Drawn Draw::next() {
  const auto [choice, mishap, step] = pair();
  Drawn out = with_params(choices_[choice], [this](int limit) { return below(limit); });
  out.mishap = mishap;
  out.step = step;
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
