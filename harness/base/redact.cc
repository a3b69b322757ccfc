#include "harness/base/redact.h"

#include <algorithm>
#include <array>

#include "harness/base/redact_text.h"

namespace harness {
namespace {

using redaction::capital;
using redaction::digit;
using redaction::kAfterWord;
using redaction::kSpace;
using redaction::of_name;
using redaction::past;
using redaction::Redaction;
using redaction::until;
using std::string_view;

constexpr std::size_t kBearerWord = 16;

// The end of a name, without dashes and in small letters.
constexpr std::array<string_view, 13> kSecretNames{"token",
                                                   "password",
                                                   "passwd",
                                                   "passphrase",
                                                   "secret",
                                                   "privatekey",
                                                   "secretkey",
                                                   "accesskey",
                                                   "apikey",
                                                   "encryptionkey",
                                                   "clientkeydata",
                                                   "clientcertificatedata",
                                                   "keydata"};

std::string plain(string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != '.') {
      out += capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return out;
}

// Where the value of a named secret is, and where the name's own text ends.
struct Value {
  std::size_t from = 0;
  std::size_t to = 0;
};

// At an opening quote, which may be escaped; the value goes up to the same quote.
Value quoted(string_view text, std::size_t at, string_view quote) {
  const std::size_t from = at + quote.size();
  std::size_t to = from;
  while (to < text.size() && text[to] != '\n' && !text.substr(to).starts_with(quote)) {
    to += text[to] == '\\' && quote.size() == 1 ? 2u : 1u;
  }
  return {from, std::min(to, text.size())};
}

string_view quote_at(string_view text, std::size_t at) {
  const string_view rest = text.substr(std::min(at, text.size()));
  for (const string_view quote : {string_view("\\\""), string_view("\""), string_view("'")}) {
    if (rest.starts_with(quote)) {
      return quote;
    }
  }
  return {};
}

Value value_at(string_view text, std::size_t at) {
  if (const string_view quote = quote_at(text, at); !quote.empty()) {
    return quoted(text, at, quote);
  }
  return {at, until(text, at, " \t\r\n\"'\\,;&)]}")};
}

bool harmless(string_view value) {
  const bool variable = value.size() > 1 && value.front() == '$' &&
                        (value[1] == '{' || value[1] == '(' || capital(value[1]));
  return value.empty() || variable || value.starts_with("[redacted") || value == "true" ||
         value == "false" || value == "null" || value == "<nil>";
}

bool secret_name(string_view name) {
  constexpr std::size_t kLongest = 32;
  const std::string bare = plain(name.substr(name.size() - std::min(name.size(), kLongest)));
  return std::ranges::any_of(kSecretNames, [&](string_view one) { return bare.ends_with(one); });
}

// What follows a name: its value when one of the ways to give one is there, else an empty one.
Value value_of(string_view text, std::size_t end, bool flag) {
  const std::size_t closed = end + quote_at(text, end).size();
  const std::size_t mark = past(text, closed, kSpace);
  if (mark < text.size() && (text[mark] == ':' || text[mark] == '=')) {
    return value_at(text, past(text, past(text, mark, ":=>"), kSpace));
  }
  if (!flag) {
    return {};
  }
  std::size_t at = mark;
  if (at < text.size() && text[at] == ',' && closed > end) {
    at = past(text, at + 1, kSpace);
  } else if (mark == closed) {
    return {};
  }
  return at < text.size() && text[at] == '-' ? Value{} : value_at(text, at);
}

// "Basic abc" after `Authorization:`, or a word of some length after `Bearer`.
Value credentials_of(string_view text, const std::string& name, std::size_t end) {
  if (name == "authorization") {
    const Value scheme = value_of(text, end, false);
    const std::string what = plain(text.substr(scheme.from, scheme.to - scheme.from));
    std::size_t at = scheme.from;
    for (const string_view known : {"basic", "bearer", "negotiate", "digest", "token"}) {
      if (what == known) {
        at = past(text, scheme.to, kSpace);
        return {at, until(text, at, " \t\r\n\"'\\,;")};
      }
      if (what.starts_with(known) && what.find(' ') == known.size()) {
        at = past(text, scheme.from + known.size(), kSpace);
        return {at, scheme.to};
      }
    }
    return {};
  }
  const std::size_t at = past(text, end, kSpace);
  const Value word{at, until(text, at, kAfterWord)};
  const string_view said = text.substr(word.from, word.to - word.from);
  return at > end && said.size() >= kBearerWord && std::any_of(said.begin(), said.end(), digit)
             ? word
             : Value{};
}

std::string hide_named(string_view text) {
  Redaction out(text);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && of_name(text[end])) {
      ++end;
    }
    if (end == at) {
      ++at;
      continue;
    }
    const string_view name = text.substr(at, end - at);
    const bool path = at > 0 && text[at - 1] == '/';
    Value value;
    if (name.size() == 6 || name.size() == 13) {
      const std::string bare = plain(name);
      if (bare == "bearer" || bare == "authorization") {
        value = credentials_of(text, bare, end);
      }
    }
    if (value.to == 0 && !path && secret_name(name)) {
      value = value_of(text, end, name.starts_with('-'));
    }
    at = end;
    if (value.to > 0 && !harmless(text.substr(value.from, value.to - value.from))) {
      out.hide(value.from, value.to);
      at = value.to;
    }
  }
  return out.finish();
}

}  // namespace

std::string redact(string_view text) {
  std::string out = redaction::hide_by_shape(text);
  return out.find_first_of(":= ,") == std::string::npos ? out : hide_named(out);
}

}  // namespace harness
