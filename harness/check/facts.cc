#include "harness/check/facts.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "harness/base/time.h"

namespace harness::check {
bool JournalLine::deadly() const {
  return ident == "rke2" &&
         (line.level == "fatal" || line.level == "panic" || line.shape == event::Shape::panic);
}

std::vector<const FaultFact*> TrialFacts::records() const {
  std::vector<const FaultFact*> out;
  if (fault_fact) {
    out.push_back(&*fault_fact);
  }
  for (const Companion& one : companions) {
    if (one.fact) {
      out.push_back(&*one.fact);
    }
  }
  return out;
}

namespace {

std::string how_of(const std::string& fault) {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"kill-pod", "was killed"},
      {"freeze-pod", "was frozen"},
      {"move-manifest", "lost its manifest"},
      {"rewrite-manifest", "got another manifest"},
      {"kill-service", "it was killed"},
      {"kill-containerd", "its containerd was killed"},
      {"stop-service", "it was stopped"}};
  const auto found = all.find(fault);
  return found == all.end() ? std::string() : found->second;
}

template <typename Which>
const FaultFact* last_of(const std::vector<Deed>& deeds, const Which& which) {
  const FaultFact* last = nullptr;
  for (const Deed& deed : deeds) {
    if (which(deed) && (last == nullptr || deed.fact->effect_wall_us >= last->effect_wall_us)) {
      last = deed.fact;
    }
  }
  return last;
}

}  // namespace

std::vector<Deed> TrialFacts::deeds() const {
  std::vector<Deed> out;
  const auto add =
      [&](const std::optional<FaultFact>& fact, const std::string& name, const Json& with) {
        if (fact && fact->outcome == "applied") {
          out.push_back({&*fact, name, json_string(with, "pod"), how_of(name)});
        }
      };
  add(fault_fact, fault, params);
  for (const Companion& one : companions) {
    add(one.fact, one.fault, one.params);
  }
  return out;
}

std::vector<Deed> TrialFacts::deeds_on(const std::string& node) const {
  std::vector<Deed> out = deeds();
  std::erase_if(out, [&](const Deed& deed) { return deed.fact->node != node; });
  return out;
}

const FaultFact* TrialFacts::reboot_of(const std::string& node) const {
  for (const Deed& deed : deeds_on(node)) {
    if (deed.reboots()) {
      return deed.fact;
    }
  }
  return nullptr;
}

int TrialFacts::reboots_of(const std::string& node) const {
  const int by_operator = by_reboot && restart_began_us(node) != 0 ? 1 : 0;
  return by_operator + (reboot_of(node) != nullptr ? 1 : 0);
}

const FaultFact* TrialFacts::kill_of(const std::string& node, std::string_view pod) const {
  return last_of(deeds_on(node), [&](const Deed& deed) { return deed.pod == pod; });
}

const FaultFact* TrialFacts::end_of(const std::string& node, std::string_view pod) const {
  return last_of(deeds_on(node),
                 [&](const Deed& deed) { return deed.pod == pod && deed.ends_pod(); });
}

std::int64_t TrialFacts::to_controller(const std::string& node, std::int64_t wall_us) const {
  const auto known = clocks.find(node);
  if (known == clocks.end() || known->second.empty()) {
    return wall_us;
  }
  std::int64_t shift = known->second.front().offset_us;
  for (const ClockSight& sight : known->second) {
    if (sight.asked_us <= wall_us - sight.offset_us) {
      shift = sight.offset_us;
    }
  }
  return wall_us - shift;
}

namespace {

// `at_us` is the controller's, but for what the clocks differ, which is little against the time
// between two sights.
const ClockSight* nearest(const std::vector<ClockSight>& sights,
                          const std::string& boot_id,
                          std::int64_t at_us) {
  const ClockSight* best = nullptr;
  for (const ClockSight& one : sights) {
    const bool same_boot = boot_id.empty() || one.boot_id.empty() || one.boot_id == boot_id;
    if (same_boot &&
        (best == nullptr || std::abs(one.asked_us - at_us) < std::abs(best->asked_us - at_us))) {
      best = &one;
    }
  }
  return best;
}

}  // namespace

std::optional<Moved> TrialFacts::moved(const std::string& own,
                                       const std::string& boot_id,
                                       std::int64_t wall_us,
                                       const std::string& other) const {
  const auto here = clocks.find(own);
  const auto there = clocks.find(other);
  if (here == clocks.end() || there == clocks.end()) {
    return std::nullopt;
  }
  const ClockSight* near = nearest(here->second, boot_id, to_controller(own, wall_us));
  if (near == nullptr) {
    return std::nullopt;
  }
  const std::int64_t at_us = wall_us - near->offset_us;
  const ClockSight* far = nearest(there->second, {}, at_us);
  if (far == nullptr) {
    return std::nullopt;
  }
  return Moved{.wall_us = at_us + far->offset_us, .error_us = near->error_us + far->error_us};
}

std::map<std::string, const Json*> TrialFacts::state(std::string_view type,
                                                     std::string_view phase) const {
  std::map<std::string, const Json*> out;
  for (const Json& event : states) {
    if (json_string(event, "type") == type && json_string(event, "phase") == phase) {
      out[json_string(event, "node")] = &event;
    }
  }
  return out;
}

const Json* TrialFacts::read_state(std::string_view type,
                                   const std::string& node,
                                   std::string_view phase) const {
  const auto all = state(type, phase);
  const auto found = all.find(node);
  return found == all.end() || found->second->contains("error") ? nullptr : found->second;
}

std::int64_t TrialFacts::restart_began_us(const std::string& node) const {
  const auto found = std::ranges::find_if(steps, [&](const Step& step) {
    return step.name == "restart" && step.node == node && !step.baseline;
  });
  return found == steps.end() ? 0 : found->started_us;
}

std::int64_t TrialFacts::reference_us(const std::string& node) const {
  std::int64_t reference = restart_began_us(node);
  for (const Deed& deed : deeds()) {
    if (deed.fact->effect_wall_us != 0) {
      reference = std::max(reference, to_controller(deed.fact->node, deed.fact->effect_wall_us));
    }
  }
  if (reference == 0) {
    const auto any = std::ranges::find_if(
        steps, [](const Step& step) { return step.name == "restart" && !step.baseline; });
    reference = any == steps.end() ? 0 : any->started_us;
  }
  return reference;
}

std::int64_t TrialFacts::after_us() const {
  const auto first = std::ranges::find_if(
      states, [](const Json& event) { return json_string(event, "phase") == "after"; });
  return first == states.end() ? 0 : parse_wall(json_string(*first, "at")).value_or(0);
}

const Invocation* TrialFacts::invocation(const std::string& node, const std::string& id) const {
  const auto found = std::ranges::find_if(
      invocations, [&](const Invocation& one) { return one.node == node && one.id == id; });
  return found == invocations.end() ? nullptr : &*found;
}

std::vector<const Invocation*> TrialFacts::new_invocations(const std::string& node) const {
  std::vector<const Invocation*> fresh;
  for (const Invocation& one : invocations) {
    if (one.node == node && !one.before) {
      fresh.push_back(&one);
    }
  }
  return fresh;
}

std::vector<std::string> TrialFacts::nodes() const {
  std::set<std::string> out;
  for (const auto& [node, list] : boots) {
    out.insert(node);
  }
  for (const Json& event : states) {
    out.insert(json_string(event, "node"));
  }
  for (const Step& step : steps) {
    out.insert(step.node);
  }
  out.erase("");
  return {out.begin(), out.end()};
}

}  // namespace harness::check
