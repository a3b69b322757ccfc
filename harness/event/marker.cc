#include "harness/event/marker.h"

#include <algorithm>
#include <array>

#include "harness/event/line.h"

namespace harness::event {
namespace {

struct Form {
  Marker::Kind kind;
  const char* key;
  const char* object_key;  // null: none
  std::array<std::string_view, 2> ops;
};

constexpr std::array<Form, 6> kForms = {{
    {Marker::Kind::log, "log", nullptr, {}},
    {Marker::Kind::systemd, "systemd", nullptr, {}},
    {Marker::Kind::manifest, "manifest", "file", {"written", "removed"}},
    {Marker::Kind::container, "container", "pod", {"started", "exited"}},
    {Marker::Kind::unit, "unit", nullptr, {}},
    {Marker::Kind::process, "process", "name", {"started", "exited"}},
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

}  // namespace

Result<Marker> marker_from_json(const Json& json) {
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_input,
                "a marker is a mapping such as {log: \"Pod for etcd is synced\"}");
  }
  const auto* form = std::ranges::find_if(
      kForms, [&](const Form& candidate) { return json.contains(candidate.key); });
  if (form == kForms.end()) {
    return fail(ErrorCode::invalid_input,
                "a marker needs one of: log, systemd, manifest, container, unit, process");
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
    if (std::ranges::find(form->ops, marker.text) == form->ops.end()) {
      return fail(ErrorCode::invalid_input,
                  "'" + marker.text + "' is not one of " + std::string(form->ops[0]) + ", " +
                      std::string(form->ops[1]));
    }
  }
  if (marker.kind == Marker::Kind::process &&
      std::ranges::find(kProcesses, marker.object) == kProcesses.end()) {
    return fail(ErrorCode::invalid_input,
                "'" + marker.object + "' is not one of rke2, containerd, kubelet");
  }
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
      return own && !line.truncated && (marker.level.empty() || marker.level == line.level) &&
             glob_matches(marker.text, line.msg);
    }
    case Marker::Kind::systemd:
      return type == "journal" && json_string(fact, "ident") == "systemd" &&
             glob_matches(marker.text, json_string(fact, "line"));
    case Marker::Kind::manifest:
      return type == "manifest" && json_string(fact, "op") == marker.text &&
             json_string(fact, "file") == marker.object;
    case Marker::Kind::container:
      return type == "container" && json_string(fact, "op") == marker.text &&
             json_string(fact, "pod") == marker.object && json_string(fact, "kind") != "sandbox" &&
             json_bool(fact, "static_pod", true);
    case Marker::Kind::unit:
      return type == "unit" && json_string(fact, "active") == marker.text;
    case Marker::Kind::process:
      return type == "process" && json_string(fact, "op") == marker.text &&
             json_string(fact, "name") == marker.object;
  }
  return false;
}

}  // namespace harness::event
