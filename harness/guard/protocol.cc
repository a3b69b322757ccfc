#include "harness/guard/protocol.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "harness/base/names.h"
#include "harness/guard/action_form.h"
#include "harness/guard/nesting.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kLongestMs = 24LL * 3600 * 1000;
constexpr std::int64_t kLongestOffsetUs = 3600LL * 1000 * 1000;

enum class Letters { small, all };

bool only(std::string_view text, std::string_view extra, Letters letters = Letters::small) {
  return std::ranges::all_of(text, [&](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (letters == Letters::all && c >= 'A' && c <= 'Z') ||
           extra.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

Status check_keys(const Json& json,
                  std::string_view where,
                  std::initializer_list<std::string_view> known) {
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_input, fmt::format("{} must be an object", where));
  }
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      return fail(ErrorCode::invalid_input, fmt::format("{}: unknown key '{}'", where, key));
    }
  }
  return {};
}

Result<std::vector<event::Marker>> markers_from_json(const Json& json, const char* key) {
  std::vector<event::Marker> out;
  const auto list = json.find(key);
  if (list == json.end() || !list->is_array() || list->empty() || list->size() > 32) {
    return fail(ErrorCode::invalid_input,
                fmt::format("record: trigger.{} needs a list of markers", key));
  }
  for (const Json& item : *list) {
    TRY_ASSIGN(event::Marker marker,
               event::marker_from_json(item),
               fmt::format("record: trigger.{}", key));
    out.push_back(std::move(marker));
  }
  return out;
}

Result<Trigger> trigger_from_json(const Json& json) {
  TRY(check_keys(json,
                 "trigger",
                 {"now", "go", "window", "open", "close", "offset_us", "boot", "any_invocation"}),
      "record");
  Trigger trigger{.now = json_bool(json, "now"),
                  .go = json_bool(json, "go"),
                  .window = json_string(json, "window"),
                  .next_boot = json.contains("boot"),
                  .any_invocation = json_bool(json, "any_invocation")};
  if (trigger.next_boot && (json_string(json, "boot") != "next" || trigger.now || trigger.go)) {
    return fail(ErrorCode::invalid_input,
                "record: trigger.boot: 'next' is wanted, and a window to wait for");
  }
  if (trigger.now) {
    return trigger;
  }
  TRY(check_id("trigger.window", trigger.window), "record");
  if (trigger.go) {
    return trigger;
  }
  const std::int64_t offset = json_int(json, "offset_us", -1);
  if (offset < 0 || offset > kLongestOffsetUs) {
    return fail(ErrorCode::invalid_input,
                "record: trigger.offset_us must be between 0 and one hour");
  }
  trigger.offset = Microseconds(offset);
  TRY_ASSIGN(trigger.open, markers_from_json(json, "open"), "markers");
  TRY_ASSIGN(trigger.close, markers_from_json(json, "close"), "markers");
  return trigger;
}

Result<std::chrono::milliseconds> milliseconds_of(const Json& json, const char* key) {
  const std::int64_t value = json_int(json, key, -1);
  if (value < 100 || value > kLongestMs) {
    return fail(ErrorCode::invalid_input,
                fmt::format("record: {} must be between 100 ms and one day", key));
  }
  return std::chrono::milliseconds(value);
}

// At most `limit` bytes, cut between two characters of UTF-8.
std::string cut(const std::string& text, std::size_t limit) {
  std::size_t end = std::min(limit, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

Status check_run(std::string_view text) {
  if (text.size() <= 128 && only(text, "._:+-", Letters::all) && !text.starts_with('-') &&
      !text.starts_with('.')) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              "run: letters, digits and . _ : + -, at most 128, are wanted");
}

Status check_data_dir(std::string_view text) {
  TRY(check_path("data_dir", text), "record");
  if (only(text, "/._+@-", Letters::all)) {
    return {};
  }
  return fail(ErrorCode::invalid_input, "data_dir: letters, digits and / . _ + @ - are wanted");
}

Status check_params(const Json& params) {
  if (params.is_object() && text_of(params).size() <= 4096) {
    return {};
  }
  return fail(ErrorCode::invalid_input, "params: an object of at most 4096 bytes is wanted");
}

}  // namespace

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status check_id(std::string_view field, std::string_view text) {
  if (!text.empty() && text.size() <= 64 && only(text, "-") && text.front() != '-') {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("{}: small letters, digits and dashes, at most 64, are wanted", field));
}

Status check_cluster(std::string_view text) {
  if (is_cluster_name(text)) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              "cluster: letters, digits, dots, dashes and underscores, at most 64, are wanted");
}

Status check_unit(std::string_view text) {
  if (text == "rke2-server.service" || text == "rke2-agent.service") {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              "unit: rke2-server.service or rke2-agent.service is wanted");
}

Status check_path(std::string_view field, std::string_view text) {
  if (is_plain_path(text)) {
    return {};
  }
  return fail(ErrorCode::invalid_input, fmt::format("{}: a plain absolute path is wanted", field));
}

bool known_verb(std::string_view verb) {
  return std::ranges::find(kVerbs, verb) != kVerbs.end();
}

Result<ArmRecord> arm_record_from_json(const Json& json) {
  TRY(check_nesting(json), "arm");
  TRY(check_keys(json,
                 "record",
                 {"id",
                  "run",
                  "case",
                  "cluster",
                  "unit",
                  "data_dir",
                  "fault",
                  "params",
                  "action",
                  "undo",
                  "trigger",
                  "ttl_ms",
                  "lease_ms"}),
      "arm");
  ArmRecord record{.id = json_string(json, "id"),
                   .run = json_string(json, "run"),
                   .case_name = cut(json_string(json, "case"), 300),
                   .cluster = json_string(json, "cluster"),
                   .unit = json_string(json, "unit"),
                   .data_dir = json_string(json, "data_dir"),
                   .fault = json_string(json, "fault"),
                   .params = json.value("params", Json::object())};
  TRY(check_id("id", record.id), "arm");
  TRY(check_cluster(record.cluster), "arm");
  TRY(check_unit(record.unit), "arm");
  TRY(check_run(record.run), "arm");
  TRY(check_data_dir(record.data_dir), "arm");
  TRY(check_params(record.params), "arm");
  TRY(check_id("fault", record.fault), "arm");
  if (json.contains("undo") && !(json["undo"].is_array() && json["undo"].empty())) {
    return fail(ErrorCode::invalid_input,
                "arm: record: undo: this guard's actions need none; an empty list is wanted");
  }
  TRY_ASSIGN(record.action, action_from_json(json.value("action", Json())), "arm");
  TRY_ASSIGN(record.trigger, trigger_from_json(json.value("trigger", Json())), "arm");
  TRY_ASSIGN(record.ttl, milliseconds_of(json, "ttl_ms"), "arm");
  TRY_ASSIGN(record.lease, milliseconds_of(json, "lease_ms"), "arm");
  if (record.action.hold >= record.ttl) {
    return fail(ErrorCode::invalid_input,
                "arm: record: action.hold_ms must be below ttl_ms, when the node takes it back");
  }
  return record;
}

Json to_json(const ArmRecord& record) {
  Json trigger = Json::object();
  if (record.trigger.now) {
    trigger["now"] = true;
  } else if (record.trigger.go) {
    trigger = {{"go", true}, {"window", record.trigger.window}};
  } else {
    trigger = {{"window", record.trigger.window},
               {"open", Json::array()},
               {"close", Json::array()},
               {"offset_us", record.trigger.offset.count()}};
    for (const event::Marker& marker : record.trigger.open) {
      trigger["open"].push_back(event::to_json(marker));
    }
    for (const event::Marker& marker : record.trigger.close) {
      trigger["close"].push_back(event::to_json(marker));
    }
  }
  if (record.trigger.next_boot) {
    trigger["boot"] = "next";
  }
  trigger["any_invocation"] = record.trigger.any_invocation;
  return {{"id", record.id},
          {"run", record.run},
          {"case", record.case_name},
          {"cluster", record.cluster},
          {"unit", record.unit},
          {"data_dir", record.data_dir},
          {"fault", record.fault},
          {"params", record.params},
          {"action", to_json(record.action)},
          {"undo", Json::array()},
          {"trigger", std::move(trigger)},
          {"ttl_ms", record.ttl.count()},
          {"lease_ms", record.lease.count()}};
}

}  // namespace harness::guard
