#include "harness/base/redact_text.h"

namespace harness::redaction {
namespace {

using std::string_view;

constexpr std::size_t kNone = string_view::npos;
constexpr std::size_t kBodyLine = 48;

std::string hide_key_blocks(string_view text) {
  constexpr string_view kBegin = "-----BEGIN ";
  constexpr string_view kEnd = "PRIVATE KEY-----";
  Redaction out(text);
  for (std::size_t at = 0; (at = text.find(kBegin, at)) != kNone;) {
    const std::size_t label = at + kBegin.size();
    const std::size_t head = text.find("-----", label);
    if (head == kNone || !text.substr(0, head + 5).ends_with(kEnd)) {
      at = label;
      continue;
    }
    const std::size_t foot = text.find('-', head + 5);
    std::size_t end = std::min(foot, text.size());
    if (text.substr(end).starts_with("-----END ")) {
      end = std::min(text.find(kEnd, end), text.size() - kEnd.size()) + kEnd.size();
    }
    out.hide(at, end, "[redacted key]");
    at = end;
  }
  return out.finish();
}

bool key_body(string_view line) {
  return line.size() >= kBodyLine && line.size() % 4 == 0 &&
         std::all_of(line.begin(), line.end(), of_base64) &&
         std::any_of(line.begin(), line.end(), capital) &&
         std::any_of(line.begin(), line.end(), small) &&
         std::count_if(line.begin(), line.end(), digit) >= 2;
}

std::string hide_key_lines(string_view text) {
  Redaction out(text);
  bool after_body = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = until(text, at, "\n");
    const std::size_t first = std::min(past(text, at, kSpace), end);
    string_view line = text.substr(first, end - first);
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    const bool body = key_body(line);
    const bool last = after_body && !line.empty() && line.size() % 4 == 0 &&
                      std::all_of(line.begin(), line.end(), of_base64);
    if (body || last) {
      out.hide(first, first + line.size());
    }
    after_body = body;
    at = end + 1;
  }
  return out.finish();
}

std::string hide_join_tokens(string_view text) {
  Redaction out(text);
  for (std::size_t at = 0; (at = text.find("K10", at)) != kNone;) {
    const std::size_t hash =
        std::min(text.find_first_not_of("0123456789abcdefABCDEF", at + 3), text.size());
    if (hash == at + 3 || !text.substr(hash).starts_with("::")) {
      at += 3;
      continue;
    }
    const std::size_t end = until(text, hash, kAfterWord);
    out.hide(at, end, "[redacted token]");
    at = end;
  }
  return out.finish();
}

std::string hide_url_passwords(string_view text) {
  Redaction out(text);
  for (std::size_t at = 0; (at = text.find("://", at)) != kNone;) {
    at += 3;
    const string_view authority = text.substr(at, until(text, at, "/?#\"'<> \t\r\n\\") - at);
    const std::size_t host = authority.rfind('@');
    const std::size_t colon = authority.find(':');
    if (host != kNone && colon != kNone && colon < host) {
      out.hide(at + colon + 1, at + host);
    }
  }
  return out.finish();
}

// Words that are secret by their shape: PEM in base64, JSON web tokens.
bool secret_shape(string_view word) {
  if (word.starts_with("LS0tLS1CRUdJTi")) {
    return true;
  }
  return word.starts_with("eyJ") && word.size() > 32 && std::ranges::count(word, '.') == 2;
}

std::string hide_shapes(string_view text) {
  Redaction out(text);
  const auto of_word = [](char c) { return of_base64(c) || of_name(c); };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && of_word(text[end])) {
      ++end;
    }
    const string_view word = text.substr(at, end - at);
    // key=LS0t...: the value is what has the shape.
    const std::size_t value = word.find('=') == kNone ? 0 : word.find('=') + 1;
    if (secret_shape(word)) {
      out.hide(at, end);
    } else if (secret_shape(word.substr(value))) {
      out.hide(at + value, end);
    }
    at = std::max(end, at + 1);
  }
  return out.finish();
}

}  // namespace

std::string hide_by_shape(string_view text) {
  std::string out(text);
  if (out.find("PRIVATE KEY-----") != kNone) {
    out = hide_key_blocks(out);
  }
  if (out.size() >= kBodyLine) {
    out = hide_key_lines(out);
  }
  if (out.find("K10") != kNone) {
    out = hide_join_tokens(out);
  }
  if (out.find("://") != kNone) {
    out = hide_url_passwords(out);
  }
  if (out.find("LS0tLS1CRUdJTi") != kNone || out.find("eyJ") != kNone) {
    out = hide_shapes(out);
  }
  return out;
}

}  // namespace harness::redaction
