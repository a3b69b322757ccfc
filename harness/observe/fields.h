// Reading the members of answers that others wrote, without exceptions.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

#include "harness/base/json.h"

namespace harness::observe {

// The gateway of etcd writes 64-bit numbers as strings, and leaves zeros out.
inline std::int64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return 0;
  }
  if (found->is_number_integer()) {
    return found->get<std::int64_t>();
  }
  std::int64_t value = 0;
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

// Identifiers stay text: they do not fit a signed 64-bit number.
inline std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return "0";
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

// The member, or null.
inline const Json& part(const Json& object, const char* key) {
  static const Json nothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : nothing;
}

// What could not be read first is the error that a photograph carries.
inline void note_error(Json& state, const std::string& error) {
  if (!state.contains("error")) {
    state["error"] = error;
  }
}

}  // namespace harness::observe
