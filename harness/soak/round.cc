#include "harness/soak/round.h"

#include <array>

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
constexpr int kMishapWithinMs = 3000;

}  // namespace

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

Drawn Draw::next() {
  std::vector<const fault::FaultSpec*> all;
  for (const auto& [name, spec] : fault::registry()) {
    // A reboot is a mishap of its own.
    if (name != "none" && name != "reboot") {
      all.push_back(&spec);
    }
  }
  const fault::FaultSpec& spec =
      *all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  Drawn out{.fault = std::string(spec.name)};
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
  int at = below(kAll);
  std::size_t mishap = 0;
  while (at >= kWeights[mishap]) {
    at -= kWeights[mishap++];
  }
  out.mishap = kMishaps[mishap].first;
  out.after_ms = below(kMishapWithinMs);
  return out;
}

Json Round::to_json() const {
  return {{"round", number},
          {"fault", drawn.fault},
          {"params", drawn.params},
          {"mishap", to_string(drawn.mishap)},
          {"after_ms", drawn.after_ms},
          {"outcome", outcome},
          {"leaks", leaks},
          {"took_ms", took_ms}};
}

}  // namespace harness::soak
