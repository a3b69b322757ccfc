#include "harness/event/marker.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "harness/event/line.h"

namespace harness::event {
namespace {

constexpr std::size_t kLongLine = 2000;  // no pager shows, and nobody types, such lines

struct Form {
  Marker::Kind kind;
  const char* key;
  const char* object_key;  // null: none
  std::array<std::string_view, 2> ops;
};

constexpr std::array<Form, 8> kForms = {{
    {Marker::Kind::log, "log", nullptr, {}},
    {Marker::Kind::systemd, "systemd", nullptr, {}},
    {Marker::Kind::manifest, "manifest", "file", {"written", "removed"}},
    {Marker::Kind::container, "container", "pod", {"started", "exited"}},
    {Marker::Kind::unit, "unit", nullptr, {}},
    {Marker::Kind::process, "process", "name", {"started", "exited"}},
    {Marker::Kind::tcp, "tcp", "port", {"answers", "refuses"}},
    {Marker::Kind::http, "http", "status", {}},
}};

// What the guard looks for by this exact name of its program.
constexpr std::array<std::string_view, 3> kProcesses = {"rke2", "containerd", "kubelet"};

const Form& form_of(Marker::Kind kind) {
  return *std::ranges::find(kForms, kind, &Form::kind);
}

Status check_keys(const Json& json, const Form& form) {
  for (const auto& [key, value] : json.items()) {
    const bool known = key == form.key || (form.object_key != nullptr && key == form.object_key) ||
                       (form.kind == Marker::Kind::log && key == "level");
    if (!known) {
      return fail(ErrorCode::invalid_input,
                  "a marker of kind '" + std::string(form.key) + "' has no key '" + key + "'");
    }
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      return fail(ErrorCode::invalid_input, "marker key '" + key + "' must be a text");
    }
  }
  return {};
}

// The whole text as a number in the range; -1 for anything else.
int number_of(std::string_view text, int lowest, int highest) {
  int value = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && value >= lowest && value <= highest ? value : -1;
}

// What an object of this kind may be.
Status check_object(const Marker& marker) {
  if (marker.kind == Marker::Kind::process &&
      std::ranges::find(kProcesses, marker.object) == kProcesses.end()) {
    return fail(ErrorCode::invalid_input,
                "'" + marker.object + "' is not one of rke2, containerd, kubelet");
  }
  if (marker.kind == Marker::Kind::tcp && number_of(marker.object, 1, 65535) < 0) {
    return fail(ErrorCode::invalid_input, "'" + marker.object + "' is no port (1 to 65535)");
  }
  if (marker.kind == Marker::Kind::http) {
    if (number_of(marker.object, 100, 599) < 0) {
      return fail(ErrorCode::invalid_input,
                  "'" + marker.object + "' is no HTTP status (100 to 599)");
    }
    TRY(LoopbackUrl::parse(marker.text), "marker");
  }
  return {};
}

}  // namespace

Result<LoopbackUrl> LoopbackUrl::parse(std::string_view text) {
  constexpr std::string_view kFront = "http://127.0.0.1:";
  const std::size_t slash = text.find('/', std::min(kFront.size(), text.size()));
  const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  if (text.starts_with("https:")) {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(text) +
                    "': the guard has no TLS and sees no https status; {tcp: answers, port: N} "
                    "sees that something listens");
  }
  LoopbackUrl out;
  if (text.starts_with(kFront) && slash != std::string_view::npos && plain && text.size() <= 512) {
    out.port = number_of(text.substr(kFront.size(), slash - kFront.size()), 1, 65535);
    out.path = std::string(text.substr(slash));
  }
  if (out.port <= 0) {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(text) + "' is not of the form http://127.0.0.1:PORT/PATH");
  }
  return out;
}

Result<Marker> marker_from_json(const Json& json) {
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_input,
                "a marker is a mapping such as {log: \"Pod for etcd is synced\"}");
  }
  const auto* form = std::ranges::find_if(
      kForms, [&](const Form& candidate) { return json.contains(candidate.key); });
  if (form == kForms.end()) {
    return fail(ErrorCode::invalid_input,
                "a marker needs one of: log, systemd, manifest, container, unit, process, tcp, "
                "http");
  }
  TRY(check_keys(json, *form), "marker");
  Marker marker{.kind = form->kind,
                .text = json_string(json, form->key),
                .level = json_string(json, "level"),
                .object = {}};
  if (form->object_key != nullptr) {
    marker.object = json_string(json, form->object_key);
    if (marker.object.empty()) {
      return fail(ErrorCode::invalid_input,
                  "a marker of kind '" + std::string(form->key) + "' needs the key '" +
                      form->object_key + "'");
    }
    if (!form->ops[0].empty() && std::ranges::find(form->ops, marker.text) == form->ops.end()) {
      return fail(ErrorCode::invalid_input,
                  "'" + marker.text + "' is not one of " + std::string(form->ops[0]) + ", " +
                      std::string(form->ops[1]));
    }
  }
  TRY(check_object(marker), "marker");
  return marker;
}

Json to_json(const Marker& marker) {
  const Form& form = form_of(marker.kind);
  Json out = {{form.key, marker.text}};
  if (!marker.level.empty()) {
    out["level"] = marker.level;
  }
  if (form.object_key != nullptr) {
    out[form.object_key] = marker.object;
  }
  return out;
}

std::string describe(const Marker& marker) {
  const Form& form = form_of(marker.kind);
  if (marker.kind == Marker::Kind::http) {
    return marker.text + " " + marker.object;
  }
  return form.object_key == nullptr
             ? std::string(form.key) + " \"" + marker.text + "\""
             : std::string(form.key) + " " + marker.object + " " + marker.text;
}

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  std::size_t g = 0;
  std::size_t t = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') {
    ++g;
  }
  return g == glob.size();
}

bool matches(const Marker& marker, const Json& fact) {
  // What was there already when the watching began did not happen now.
  if (json_bool(fact, "initial")) {
    return false;
  }
  const std::string type = json_string(fact, "type");
  switch (marker.kind) {
    case Marker::Kind::log: {
      if (type != "journal" || json_string(fact, "ident") != "rke2") {
        return false;
      }
      const Line line = parse_line(json_string(fact, "line"));
      const bool own = line.shape == Shape::logrus || line.shape == Shape::logrus_terminal ||
                       line.shape == Shape::logrus_json;
      // A line that is cut says nothing, unless it is so long that the guard or journald cut it,
      // and the text wants nothing of what is gone.
      const bool whole = !line.truncated || (json_string(fact, "line").size() >= kLongLine &&
                                             marker.text.find('*') + 1 == marker.text.size());
      return own && whole && (marker.level.empty() || marker.level == line.level) &&
             glob_matches(marker.text, line.msg);
    }
    case Marker::Kind::systemd:
      return type == "journal" && json_string(fact, "ident") == "systemd" &&
             glob_matches(marker.text, json_string(fact, "line"));
    case Marker::Kind::manifest:
      return type == "manifest" && json_string(fact, "op") == marker.text &&
             json_string(fact, "file") == marker.object;
    case Marker::Kind::container:
      if (type != "container" || json_string(fact, "op") != marker.text ||
          json_string(fact, "kind") == "sandbox") {
        return false;
      }
      return marker.object.find('*') != std::string::npos
                 ? glob_matches(marker.object, json_string(fact, "pod_name"))
                 : json_string(fact, "pod") == marker.object && json_bool(fact, "static_pod", true);
    case Marker::Kind::unit:
      return type == "unit" && json_string(fact, "active") == marker.text;
    case Marker::Kind::process:
      return type == "process" && json_string(fact, "op") == marker.text &&
             json_string(fact, "name") == marker.object;
    case Marker::Kind::tcp:
      return type == "tcp" && json_string(fact, "state") == marker.text &&
             std::to_string(json_int(fact, "port")) == marker.object;
    case Marker::Kind::http:
      return type == "http" && json_string(fact, "url") == marker.text &&
             std::to_string(json_int(fact, "status")) == marker.object;
  }
  return false;
}

}  // namespace harness::event
