#include "harness/lab/standin/yaml.h"

#include <algorithm>
#include <cctype>

namespace harness::standin {

namespace {

bool among(unsigned char c, std::string_view marks) {
  return std::isalnum(c) != 0 || marks.find(static_cast<char>(c)) != std::string_view::npos;
}

bool needs_quotes(const std::string& text) {
  static const std::string_view words[] = {"true", "false", "null", "yes", "no", "on", "off"};
  if (text.empty() || std::find(std::begin(words), std::end(words), text) != std::end(words)) {
    return true;
  }
  const bool safe =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return among(c, "-._/=@+,:"); });
  const bool begins_well =
      among(static_cast<unsigned char>(text.front()), "/._") || text.starts_with("--");
  if (!safe || !begins_well || text.back() == ':') {
    return true;
  }
  // What could be a number in any base or notation.
  const bool hex = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isxdigit(c) != 0 ||
           std::string_view("xo.+-_:").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return hex && std::isdigit(static_cast<unsigned char>(text.front())) != 0;
}

std::string scalar(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return needs_quotes(text) ? value.dump() : text;
  }
  return value.dump();
}

bool is_block(const Json& value) {
  return (value.is_object() || value.is_array()) && !value.empty();
}

void emit(std::string& out, const Json& value, std::size_t indent, bool first_in_place) {
  const std::string margin(indent, ' ');
  if (value.is_array()) {
    for (const auto& item : value) {
      out += (first_in_place ? "" : margin) + "- ";
      first_in_place = false;
      if (is_block(item)) {
        emit(out, item, indent + 2, true);
      } else {
        out += scalar(item) + '\n';
      }
    }
    return;
  }
  for (const auto& [key, item] : value.items()) {
    if (item.is_null()) {
      continue;
    }
    out += (first_in_place ? "" : margin) + scalar(key) + ':';
    first_in_place = false;
    if (is_block(item)) {
      out += '\n';
      emit(out, item, item.is_array() ? indent : indent + 2, false);
    } else {
      out += ' ' + scalar(item) + '\n';
    }
  }
}

// The value of the first line that is `prefix` and a value; values are plain or JSON strings.
std::string value_after(std::string_view text, const std::string& prefix) {
  const auto begin = text.find('\n' + prefix);
  if (begin == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(begin + 1 + prefix.size());
  const std::string value(text.substr(0, text.find('\n')));
  const Json parsed = Json::parse(value, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : value;
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  emit(out, value, 0, false);
  return out;
}

std::string uid_in(std::string_view manifest) {
  return value_after(manifest, "  uid: ");
}

std::string annotation_in(std::string_view manifest, std::string_view key) {
  return value_after(manifest, "    " + scalar(Json(std::string(key))) + ": ");
}

}  // namespace harness::standin
