#include "harness/check/verdict.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/aim/offset.h"
#include "harness/base/restart.h"

namespace harness::check {
namespace {

Result<Verdict> verdict_in(const Json& json, const char* key) {
  const auto found = verdict_from(json_string(json, key));
  if (!found) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: '{}' is no verdict", key, json_string(json, key)));
  }
  return *found;
}

std::optional<std::int64_t> number_in(const Json& json, const char* object, const char* key) {
  const auto found = json.find(object);
  if (found == json.end() || !found->is_object() || !found->contains(key)) {
    return std::nullopt;
  }
  return json_int(*found, key);
}

std::optional<std::int64_t> number_in(const Json& json, const char* key) {
  return json.contains(key) ? std::optional(json_int(json, key)) : std::nullopt;
}

void put(Json& json, const char* key, const std::optional<std::int64_t>& value) {
  if (value) {
    json[key] = *value;
  }
}

Json list_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : Json::array();
}

// Only where the window is another node's.
void put_seen(Json& out, const std::string& seen_on, const std::optional<std::int64_t>& error_us) {
  if (!seen_on.empty()) {
    out["while"] = seen_on;
    put(out, "landed_error_us", error_us);
  }
}

CompanionVerdict companion_from(const Json& json) {
  return {.fault = json_string(json, "fault"),
          .params = json_object(json, "params"),
          .window = json_string(json, "window"),
          .aim = json_string(json, "aim"),
          .target = json_string(json, "target"),
          .hit = json_bool(json, "hit"),
          .hit_reason = json_string(json, "hit_reason"),
          .landed_us = number_in(json, "landed_us"),
          .seen_on = json_string(json, "while"),
          .landed_error_us = number_in(json, "landed_error_us"),
          .original_us = number_in(json, "original_us")};
}

bool aimed(const std::string& text, aim::Aim::Where where) {
  const auto parsed = aim::parse_aim(text);
  return parsed && parsed->where == where;
}

}  // namespace

std::optional<double> TrialVerdict::recovery_s(std::string_view check) const {
  const auto found = std::ranges::find(checks, check, &CheckResult::name);
  return found == checks.end() ? std::nullopt : found->recovery_s;
}

bool TrialVerdict::aimed_before() const {
  return aimed(aim, aim::Aim::Where::before);
}

bool TrialVerdict::aimed_after() const {
  return aimed(aim, aim::Aim::Where::after);
}

Json CompanionVerdict::to_json() const {
  Json out = {{"fault", fault},
              {"params", params},
              {"window", window},
              {"aim", aim},
              {"target", target},
              {"hit", hit},
              {"hit_reason", hit_reason}};
  put(out, "landed_us", landed_us);
  put(out, "original_us", original_us);
  put_seen(out, seen_on, landed_error_us);
  return out;
}

Json TrialVerdict::to_json() const {
  Json out = {{"trial", trial},
              {"verdict", to_string(verdict)},
              {"reason", reason},
              {"hit", hit},
              {"hit_reason", hit_reason},
              {"counts", counts},
              {"from", from},
              {"to", to},
              {"window", window},
              {"offset", offset},
              {"aim", aim},
              {"fault", fault},
              {"target", target},
              {"opened_at", opened_at},
              {"closed_at", closed_at},
              {"effect_at", effect_at},
              {"evidence", evidence},
              {"duration_s", duration_s},
              {"back_off_s", back_off_s},
              {"params", params},
              {"trigger_latency_us", Json::object()},
              {"checks", Json::array()},
              {"recovery_s", Json::object()}};
  if (marker_to_action_us) {
    out["trigger_latency_us"]["marker_to_action"] = *marker_to_action_us;
  }
  if (action_to_effect_us) {
    out["trigger_latency_us"]["action_to_effect"] = *action_to_effect_us;
  }
  put(out, "planned_us", planned_us);
  put(out, "landed_us", landed_us);
  put(out, "length_us", length_us);
  put(out, "learned_us", learned_us);
  put(out, "original_us", original_us);
  put_seen(out, seen_on, landed_error_us);
  if (stretched) {
    out["stretched"] = true;
  }
  put_by_reboot(out, by_reboot);
  if (!replays.empty()) {
    out["replays"] = replays;
  }
  for (const CompanionVerdict& one : companions) {
    out["companions"].push_back(one.to_json());
  }
  for (const CheckResult& check : checks) {
    out["checks"].push_back(
        {{"name", check.name}, {"verdict", to_string(check.verdict)}, {"reason", check.reason}});
    if (check.recovery_s) {
      out["recovery_s"][check.name] = *check.recovery_s;
    }
  }
  return out;
}

Json CaseVerdict::to_json() const {
  Json out = {{"name", name},
              {"expect", expect},
              {"issue", issue},
              {"outcome", to_string(outcome)},
              {"verdict", to_string(verdict)},
              {"reason", reason},
              {"trials", Json::array()}};
  for (const TrialVerdict& trial : trials) {
    out["trials"].push_back(trial.to_json());
  }
  return out;
}

Result<TrialVerdict> trial_verdict_from_json(const Json& json) {
  TrialVerdict out{.trial = static_cast<int>(json_int(json, "trial")),
                   .reason = json_string(json, "reason"),
                   .hit = json_bool(json, "hit"),
                   .counts = json_bool(json, "counts"),
                   .window = json_string(json, "window"),
                   .offset = json_string(json, "offset"),
                   .fault = json_string(json, "fault"),
                   .target = json_string(json, "target"),
                   .aim = json_string(json, "aim"),
                   .planned_us = number_in(json, "planned_us"),
                   .landed_us = number_in(json, "landed_us"),
                   .length_us = number_in(json, "length_us"),
                   .learned_us = number_in(json, "learned_us"),
                   .seen_on = json_string(json, "while"),
                   .landed_error_us = number_in(json, "landed_error_us"),
                   .stretched = json_bool(json, "stretched"),
                   .replays = json_string(json, "replays"),
                   .original_us = number_in(json, "original_us"),
                   .opened_at = json_string(json, "opened_at"),
                   .closed_at = json_string(json, "closed_at"),
                   .effect_at = json_string(json, "effect_at"),
                   .evidence = json_string(json, "evidence"),
                   .hit_reason = json_string(json, "hit_reason"),
                   .from = json_string(json, "from"),
                   .to = json_string(json, "to"),
                   .by_reboot = is_by_reboot(json)};
  const std::string what = fmt::format("trial {}", out.trial);
  TRY_ASSIGN(out.verdict, verdict_in(json, "verdict"), what);
  out.marker_to_action_us = number_in(json, "trigger_latency_us", "marker_to_action");
  out.action_to_effect_us = number_in(json, "trigger_latency_us", "action_to_effect");
  if (const auto duration = json.find("duration_s");
      duration != json.end() && duration->is_number()) {
    out.duration_s = duration->get<double>();
  }
  if (const auto held = json.find("back_off_s"); held != json.end() && held->is_number()) {
    out.back_off_s = held->get<double>();
  }
  out.params = json_object(json, "params");
  for (const Json& one : list_in(json, "companions")) {
    out.companions.push_back(companion_from(one));
  }
  const auto recovery = json.find("recovery_s");
  for (const Json& one : list_in(json, "checks")) {
    CheckResult result{.name = json_string(one, "name"), .reason = json_string(one, "reason")};
    TRY_ASSIGN(result.verdict, verdict_in(one, "verdict"), what + " check " + result.name);
    if (recovery != json.end() && recovery->is_object()) {
      const auto found = recovery->find(result.name);
      if (found != recovery->end() && found->is_number()) {
        result.recovery_s = found->get<double>();
      }
    }
    out.checks.push_back(std::move(result));
  }
  return out;
}

Result<CaseVerdict> case_verdict_from_json(const Json& json) {
  CaseVerdict out{.name = json_string(json, "name"),
                  .expect = json_string(json, "expect"),
                  .issue = json_string(json, "issue"),
                  .reason = json_string(json, "reason")};
  TRY_ASSIGN(out.outcome, verdict_in(json, "outcome"), out.name);
  TRY_ASSIGN(out.verdict, verdict_in(json, "verdict"), out.name);
  for (const Json& one : list_in(json, "trials")) {
    TRY_ASSIGN(TrialVerdict trial, trial_verdict_from_json(one), out.name);
    out.trials.push_back(std::move(trial));
  }
  return out;
}

}  // namespace harness::check
