#include "harness/base/json.h"

#include <utility>

namespace harness {

Result<Json> parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& problem) {  // also a number beyond any double
    return fail(ErrorCode::invalid_input, problem.what());
  }
}

std::string json_string(const Json& object, const char* key, std::string fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : std::move(fallback);
}

std::int64_t json_int(const Json& object, const char* key, std::int64_t fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_number_integer()
             ? found->get<std::int64_t>()
             : fallback;
}

bool json_bool(const Json& object, const char* key, bool fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_boolean() ? found->get<bool>()
                                                                            : fallback;
}

Json json_object(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_object() ? *found
                                                                           : Json::object();
}

}  // namespace harness
