#include "harness/guard/action_form.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/names.h"
#include "harness/guard/action_rows.h"

namespace harness::guard {
namespace {

constexpr std::int64_t kShortestHoldMs = 100;
constexpr std::int64_t kLongestHoldMs = 600'000;
constexpr std::size_t kMostAddresses = 64;

Status check_choice(std::string_view field, const std::string& value, const Words& choices) {
  if (choices.empty() ? value.empty() : std::ranges::find(choices, value) != choices.end()) {
    return {};
  }
  return fail(
      ErrorCode::invalid_input,
      choices.empty()
          ? fmt::format("{}: not taken by this action", field)
          : fmt::format("{}: '{}' is not one of {}", field, value, fmt::join(choices, ", ")));
}

Status check_keys(const Json& json, const Form& form) {
  Words known = {"do", "pod", "what", "how", "hold_ms", "direction", "addresses", "host"};
  for (const Range& range : form.amounts) {
    known.push_back(range.key);
  }
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      return fail(ErrorCode::invalid_input, fmt::format("action: unknown key '{}'", key));
    }
  }
  return {};
}

Status check_hold(const Action& action) {
  const std::int64_t hold = action.hold.count();
  if (lasts(action) ? hold >= kShortestHoldMs && hold <= kLongestHoldMs : hold == 0) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              lasts(action) ? "action.hold_ms must be between 100 ms and ten minutes"
                            : "action.hold_ms is for what lasts until it is taken back");
}

Status read_amounts(const Json& json, const Form& form, Action& action) {
  for (const Range& range : form.amounts) {
    const std::string key(range.key);
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer() ||
        found->get<std::int64_t>() < range.least || found->get<std::int64_t>() > range.most) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format(
              "action.{} must be a whole number from {} to {}", key, range.least, range.most));
    }
    action.amounts[key] = found->get<std::int64_t>();
  }
  return {};
}

Status check_netem_amounts(const Action& action) {
  if (action.kind != Action::Kind::netem) {
    return {};
  }
  const std::int64_t delay = action.amounts.at("delay_us");
  if (action.amounts.at("jitter_us") > delay ||
      (delay == 0 && action.amounts.at("reorder_percent") > 0)) {
    return fail(ErrorCode::invalid_input,
                "action.jitter_us must not be more than delay_us, and reorder_percent needs one");
  }
  if (std::ranges::all_of(action.amounts, [](const auto& one) { return one.second == 0; })) {
    return fail(ErrorCode::invalid_input, "action: every amount is 0, so nothing would be slow");
  }
  return {};
}

Status read_addresses(const Json& json, const Form& form, Action& action) {
  const Json list = json.value("addresses", Json::array());
  if (!form.addresses) {
    return json.contains("addresses")
               ? fail(ErrorCode::invalid_input, "action.addresses: not taken by this action")
               : Status();
  }
  if (!list.is_array() || list.empty() || list.size() > kMostAddresses) {
    return fail(ErrorCode::invalid_input,
                fmt::format("action.addresses must be a list of 1 to {} addresses of other nodes",
                            kMostAddresses));
  }
  for (const Json& one : list) {
    const std::string address = one.is_string() ? ip_address_of(one.get<std::string>()) : "";
    if (address.empty()) {
      return fail(ErrorCode::invalid_input,
                  "action.addresses: a plain IPv4 or IPv6 address is wanted");
    }
    if (std::ranges::find(action.addresses, address) == action.addresses.end()) {
      action.addresses.push_back(address);
    }
  }
  return {};
}

Status check_host(const std::string& host, const Form& form) {
  if (form.host ? host_port_of(host).has_value() : host.empty()) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              form.host ? "action.host: a host name in small letters or an address is wanted, with "
                          ":port where it has one"
                        : "action.host: not taken by this action");
}

}  // namespace

bool lasts(const Action& action) {
  const Form& form = form_of(action.kind);
  return form.lasting && std::ranges::find(form.at_once, action.how) == form.at_once.end();
}

bool survives_reboot(const Action& action) {
  return form_of(action.kind).survives_reboot;
}

Result<Action> action_from_json(const Json& json) {
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_input, "record: action must be an object");
  }
  const std::string what = json_string(json, "do");
  const auto form = std::ranges::find(forms(), what, &Form::name);
  if (form == forms().end()) {
    Words names;
    std::ranges::transform(forms(), std::back_inserter(names), &Form::name);
    return fail(
        ErrorCode::invalid_input,
        fmt::format("record: action.do: '{}' is not one of {}", what, fmt::join(names, ", ")));
  }
  TRY(check_keys(json, *form), "record");
  Action action{.kind = form->kind,
                .pod = json_string(json, "pod"),
                .how = json_string(json, "how"),
                .hold = std::chrono::milliseconds(json_int(json, "hold_ms")),
                .object = json_string(json, "what"),
                .amounts = {},
                .direction = json_string(json, "direction"),
                .addresses = {},
                .host = json_string(json, "host")};
  TRY(check_choice("action.pod", action.pod, form->pods), "record");
  TRY(check_choice("action.what", action.object, form->objects), "record");
  TRY(check_choice("action.how", action.how, form->ways), "record");
  TRY(check_hold(action), "record");
  TRY(check_choice("action.direction", action.direction, form->directions), "record");
  TRY(check_host(action.host, *form), "record");
  TRY(read_amounts(json, *form, action), "record");
  TRY(check_netem_amounts(action), "record");
  TRY(read_addresses(json, *form, action), "record");
  return action;
}

Json to_json(const Action& action) {
  Json out = {{"do", form_of(action.kind).name}};
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) {
      out[key] = value;
    }
  };
  put("pod", action.pod);
  put("what", action.object);
  put("how", action.how);
  put("direction", action.direction);
  put("host", action.host);
  if (!action.addresses.empty()) {
    out["addresses"] = action.addresses;
  }
  if (action.hold.count() > 0) {
    out["hold_ms"] = action.hold.count();
  }
  for (const auto& [key, amount] : action.amounts) {
    out[key] = amount;
  }
  return out;
}

}  // namespace harness::guard
