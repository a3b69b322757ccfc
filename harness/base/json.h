// The one spelling of JSON in this project. Include it in sources, and in headers only where a
// value of this type is part of the contract; elsewhere <nlohmann/json_fwd.hpp> is enough.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/base/result.h"

namespace harness {

using Json = nlohmann::json;

// Parses without exceptions; the error carries the byte where it went wrong.
Result<Json> parse_json(std::string_view text);

// Member access that does not throw: the value when `key` is there and of the type, else the
// fallback.
std::string json_string(const Json& object, const char* key, std::string fallback = {});
std::int64_t json_int(const Json& object, const char* key, std::int64_t fallback = 0);
bool json_bool(const Json& object, const char* key, bool fallback = false);
// An empty object otherwise.
Json json_object(const Json& object, const char* key);

}  // namespace harness
