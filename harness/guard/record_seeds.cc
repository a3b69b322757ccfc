#include "harness/guard/record_seeds.h"

#include <algorithm>
#include <set>

#include "harness/guard/action_rows.h"

namespace harness::guard {
namespace {

Json action_of(const Form& form, std::string_view way) {
  Json out = {{"do", form.name}};
  const auto first = [&out](const char* key, const Words& words) {
    if (!words.empty()) {
      out[key] = words.front();
    }
  };
  first("pod", form.pods);
  first("what", form.objects);
  first("direction", form.directions);
  if (!way.empty()) {
    out["how"] = way;
  }
  if (form.lasting && std::ranges::find(form.at_once, way) == form.at_once.end()) {
    out["hold_ms"] = 500;
  }
  for (const Range& range : form.amounts) {
    out[std::string(range.key)] = range.most;
  }
  if (form.addresses) {
    out["addresses"] = Json::array({"192.0.2.12", "2001:db8::12"});
  }
  if (form.host) {
    out["host"] = "registry.example:5000";
  }
  return out;
}

constexpr std::size_t kTriggers = 4;

Json trigger_of(std::size_t number) {
  if (number % kTriggers == 0) {
    return {{"now", true}};
  }
  Json out = {{"window", "gap"}};
  if (number % kTriggers == 1) {
    out["go"] = true;
    return out;
  }
  out["open"] = Json::array(
      {Json{{"log", "Starting etcd"}}, Json{{"manifest", "removed"}, {"file", "etcd.yaml"}}});
  out["close"] =
      Json::array({Json{{"container", "started"}, {"pod", "etcd"}}, Json{{"unit", "active"}}});
  out["offset_us"] = 5;
  if (number % kTriggers == 2) {
    out["boot"] = "next";
  } else {
    out["any_invocation"] = true;
  }
  return out;
}

Json record_of(const Json& action, const Json& trigger) {
  return {{"id", "h-1"},
          {"run", "r"},
          {"case", "c"},
          {"cluster", "lab"},
          {"unit", "rke2-server.service"},
          {"data_dir", "/var/lib/rancher/rke2"},
          {"fault", "kill-pod"},
          {"params", {{"a", {1, "b"}}}},
          {"undo", Json::array()},
          {"ttl_ms", 60'000},
          {"lease_ms", 15'000},
          {"action", action},
          {"trigger", trigger}};
}

}  // namespace

std::vector<RecordSeed> record_seeds() {
  std::vector<RecordSeed> out;
  for (const Form& form : forms()) {
    const Words ways = form.ways.empty() ? Words{""} : form.ways;
    for (const std::string_view way : ways) {
      const std::string action(form.name);
      out.push_back({"action-" + action + (way.empty() ? "" : "-" + std::string(way)),
                     action,
                     record_of(action_of(form, way), trigger_of(out.size())).dump()});
    }
  }
  return out;
}

std::string record_dictionary() {
  std::set<std::string> words = {"null", "true", "-1", "9223372036854775808", "1e400", "{}", "[]"};
  const auto add = [&words](std::string_view word) { words.insert(Json(word).dump()); };
  for (const Form& form : forms()) {
    add(form.name);
    for (const Words* list : {&form.pods, &form.objects, &form.ways, &form.directions}) {
      std::ranges::for_each(*list, add);
    }
    for (const Range& range : form.amounts) {
      add(range.key);
      words.insert(std::to_string(range.least));
      words.insert(std::to_string(range.most));
    }
  }
  for (std::size_t number = 0; number < kTriggers; ++number) {
    const Json record = record_of(action_of(forms()[number], ""), trigger_of(number));
    for (const Json& part : {record, record["trigger"]}) {
      for (const auto& [key, value] : part.items()) {
        add(key);
      }
    }
  }
  std::string out;
  for (const std::string& word : words) {
    std::string escaped;
    for (const char c : word) {
      escaped += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    out += "\"" + escaped + "\"\n";
  }
  return out;
}

}  // namespace harness::guard
