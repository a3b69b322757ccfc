#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "harness/plan/plan.h"
#include "harness/yaml/reader.h"

namespace harness::plan {
namespace fs = std::filesystem;

namespace {

using yaml::Problems;
using yaml::Reader;
using yaml::Value;

Json marker_json(const Value& value, Problems& problems) {
  Json out = Json::object();
  for (const auto& [key, member] : value.members) {
    if (member.kind != Value::Kind::scalar) {
      problems.add(member, "a marker's values are texts");
    }
    out[key.scalar] = member.scalar;
  }
  return out;
}

std::vector<event::Marker> read_markers(Reader& reader, std::string_view key, Problems& problems) {
  std::vector<event::Marker> out;
  for (const Value* value : reader.items(key, true)) {
    auto marker = event::marker_from_json(marker_json(*value, problems));
    if (marker) {
      out.push_back(*std::move(marker));
    } else {
      problems.add(*value, marker.error().message());
    }
  }
  return out;
}

std::optional<Version> read_version(Reader& reader, std::string_view key, Problems& problems) {
  const std::string text = reader.text_or(key, "");
  if (text.empty()) {
    return std::nullopt;
  }
  auto version = Version::parse(text);
  if (!version) {
    problems.add(*reader.take(key), version.error().message());
    return std::nullopt;
  }
  return *version;
}

WindowPack::Entry read_entry(const Value& value, Problems& problems) {
  Reader reader(value, "window", problems);
  WindowPack::Entry entry;
  entry.window.name = reader.text("name");
  entry.window.description = reader.text("description");
  entry.role = reader.choice_or("role", {"server", "agent"}, "server");
  entry.condition = reader.text_or("condition", "");
  entry.usual_length = reader.text_or("usual_length", "");
  entry.from = read_version(reader, "from", problems);
  entry.to = read_version(reader, "to", problems);
  entry.window.open = read_markers(reader, "open", problems);
  entry.window.close = read_markers(reader, "close", problems);
  reader.finish();
  return entry;
}

bool holds(const WindowPack::Entry& entry, const Version& version) {
  return entry.role == "server" && (!entry.from || *entry.from <= version) &&
         (!entry.to || version <= *entry.to);
}

}  // namespace

Result<WindowPack> parse_pack(std::string_view text, const std::string& file) {
  TRY_ASSIGN(const Value root, yaml::parse(text, file), "window pack");
  Problems problems(file);
  Reader reader(root, "window pack", problems);
  WindowPack pack{.file = file, .line = reader.text("line"), .entries = {}};
  for (const Value* value : reader.items("windows", true)) {
    WindowPack::Entry entry = read_entry(*value, problems);
    for (const WindowPack::Entry& other : pack.entries) {
      const bool apart = (entry.from && other.to && *other.to < *entry.from) ||
                         (entry.to && other.from && *entry.to < *other.from);
      if (other.window.name == entry.window.name && other.role == entry.role && !apart) {
        problems.add(
            *value,
            fmt::format("window '{}' is defined twice for the same versions", entry.window.name));
      }
    }
    pack.entries.push_back(std::move(entry));
  }
  reader.finish();
  TRY(problems.status(), "window pack");
  return pack;
}

Result<std::vector<WindowPack>> load_packs(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code problem;
  for (const auto& item : fs::directory_iterator(directory, problem)) {
    if (item.path().extension() == ".yaml") {
      files.push_back(item.path().string());
    }
  }
  if (files.empty()) {
    return fail(ErrorCode::invalid_input, fmt::format("no window packs in {}", directory));
  }
  std::ranges::sort(files);
  std::vector<WindowPack> packs;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    TRY_ASSIGN(WindowPack pack, parse_pack(text.str(), file), "read");
    packs.push_back(std::move(pack));
  }
  return packs;
}

Result<std::vector<event::WindowDef>> windows_for(const std::vector<WindowPack>& packs,
                                                  const Version& version) {
  const std::string line = fmt::format("{}.{}", version.major, version.minor);
  std::string known;
  for (const WindowPack& pack : packs) {
    known += (known.empty() ? "" : ", ") + pack.line;
    if (pack.line != line) {
      continue;
    }
    std::vector<event::WindowDef> out;
    for (const WindowPack::Entry& entry : pack.entries) {
      if (holds(entry, version)) {
        out.push_back(entry.window);
      }
    }
    return out;
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format("no window pack holds for {}; there are packs for {}", version.tag(), known));
}

}  // namespace harness::plan
