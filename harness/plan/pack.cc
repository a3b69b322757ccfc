#include "harness/plan/pack.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/inventory/inventory.h"
#include "harness/plan/bound.h"
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

std::string read_condition(Reader& reader, Problems& problems) {
  std::string condition = reader.text_or("condition", "");
  const std::vector<std::string>& known = inventory::known_conditions();
  if (!condition.empty() && std::ranges::find(known, condition) == known.end()) {
    problems.add(*reader.take("condition"),
                 fmt::format("there is no condition '{}'{}; there are {}",
                             condition,
                             yaml::hint(condition, known),
                             fmt::join(known, ", ")));
  }
  return condition;
}

// An entry of the file, before it is laid out over the lines.
struct Spread {
  const Value* where;
  WindowPack::Entry entry;
  Bounds from;
  Bounds to;
};

Spread read_entry(const Value& value, Problems& problems) {
  Reader reader(value, "window", problems);
  Spread out{.where = &value, .entry = {}, .from = {}, .to = {}};
  WindowPack::Entry& entry = out.entry;
  entry.window.name = reader.text("name");
  entry.window.description = reader.text("description");
  entry.role = reader.choice_or("role", {"server", "agent"}, "server");
  entry.condition = read_condition(reader, problems);
  entry.optional = reader.boolean_or("optional", false);
  entry.may_stay_open = reader.boolean_or("may_stay_open", false);
  const std::string starts =
      reader.choice_or("starts", {"all", "first", "later", "not-joining"}, "all");
  entry.starts = starts == "first"         ? WindowPack::Entry::Starts::first
                 : starts == "later"       ? WindowPack::Entry::Starts::later
                 : starts == "not-joining" ? WindowPack::Entry::Starts::not_joining
                                           : WindowPack::Entry::Starts::all;
  entry.usual_length = reader.text_or("usual_length", "");
  out.from = read_bounds(reader, "from");
  out.to = read_bounds(reader, "to");
  entry.window.open = read_markers(reader, "open", problems);
  entry.window.close = read_markers(reader, "close", problems);
  reader.finish();
  return out;
}

bool same_window_twice(const WindowPack::Entry& a, const WindowPack::Entry& b) {
  const bool apart = (a.from && b.to && b.to->highest < a.from->lowest) ||
                     (a.to && b.from && a.to->highest < b.from->lowest);
  return a.window.name == b.window.name && a.role == b.role && !apart;
}

const WindowPack::Entry* find_twice(const WindowPack& pack, const WindowPack::Entry& entry) {
  const auto twice = std::ranges::find_if(pack.entries, [&](const WindowPack::Entry& other) {
    return same_window_twice(entry, other);
  });
  return twice == pack.entries.end() ? nullptr : &*twice;
}

// The part of the entry that is of the line; false when none is.
bool on_line(const Spread& spread, const Line& line, WindowPack::Entry& entry) {
  entry = spread.entry;
  return spread.from.from_on(line, entry.from) && spread.to.to_on(line, entry.to);
}

std::vector<Line> read_lines(Reader& reader, Problems& problems) {
  std::vector<Line> out;
  for (const Value* value : reader.items("lines", true)) {
    const auto line = Line::parse(value->scalar);
    if (!line) {
      problems.add(*value, line.error().message());
    } else if (std::ranges::find(out, *line) != out.end()) {
      problems.add(*value, fmt::format("line {} comes twice", line->text()));
    } else {
      out.push_back(*line);
    }
  }
  return out;
}

}  // namespace

bool WindowPack::Entry::holds_for(const Version& version) const {
  return (!from || from->lowest <= version) && (!to || version <= to->highest);
}

Result<std::vector<WindowPack>> parse_packs(std::string_view text, const std::string& file) {
  TRY_ASSIGN(const Value root, yaml::parse(text, file), "window pack");
  Problems problems(file);
  Reader reader(root, "window pack", problems);
  const std::vector<Line> lines = read_lines(reader, problems);
  std::vector<Spread> spreads;
  for (const Value* value : reader.items("windows", true)) {
    spreads.push_back(read_entry(*value, problems));
  }
  reader.finish();
  std::vector<WindowPack> packs;
  for (const Line& line : lines) {
    WindowPack& pack = packs.emplace_back(WindowPack{.file = file, .line = line.text()});
    for (const Spread& spread : spreads) {
      WindowPack::Entry entry;
      if (!on_line(spread, line, entry)) {
        continue;
      }
      if (find_twice(pack, entry) != nullptr) {
        problems.add(*spread.where,
                     fmt::format("window '{}' is defined twice for the same versions of {}",
                                 entry.window.name,
                                 pack.line));
      }
      pack.entries.push_back(std::move(entry));
    }
  }
  TRY(problems.status(), "window pack");
  return packs;
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
    TRY_ASSIGN(const std::string text, yaml::read_text(file), "window pack");
    TRY_ASSIGN(std::vector<WindowPack> of_file, parse_packs(text, file), "read");
    for (WindowPack& pack : of_file) {
      const auto known = std::ranges::find(packs, pack.line, &WindowPack::line);
      if (known == packs.end()) {
        packs.push_back(std::move(pack));
        continue;
      }
      for (WindowPack::Entry& entry : pack.entries) {
        if (find_twice(*known, entry) != nullptr) {
          return fail(ErrorCode::invalid_input,
                      fmt::format("{}: window '{}' of line {} is in {} already",
                                  file,
                                  entry.window.name,
                                  pack.line,
                                  known->file));
        }
        known->entries.push_back(std::move(entry));
      }
    }
  }
  std::ranges::sort(packs, {}, &WindowPack::line);
  for (WindowPack& pack : packs) {
    std::ranges::stable_sort(pack.entries, std::ranges::greater(), &WindowPack::Entry::role);
  }
  return packs;
}

Result<const WindowPack*> pack_for(const std::vector<WindowPack>& packs, const Version& version) {
  const std::string line = Line{version.major, version.minor}.text();
  std::string known;
  for (const WindowPack& pack : packs) {
    known += (known.empty() ? "" : ", ") + pack.line;
    if (pack.line == line) {
      return &pack;
    }
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format("no window pack holds for {}; there are packs for {}", version.tag(), known));
}

Result<std::vector<event::WindowDef>> windows_for(const std::vector<WindowPack>& packs,
                                                  const Version& version,
                                                  std::string_view role) {
  return windows_on(packs,
                    version,
                    role,
                    {std::string(inventory::kFirstServer), std::string(inventory::kJoiningServer)});
}

Result<std::vector<event::WindowDef>> windows_on(const std::vector<WindowPack>& packs,
                                                 const Version& version,
                                                 std::string_view role,
                                                 const inventory::Conditions& of_node) {
  const auto pack = pack_for(packs, version);
  if (!pack) {
    return fail(pack.error());
  }
  std::vector<event::WindowDef> out;
  for (const WindowPack::Entry& entry : (*pack)->entries) {
    const bool by_place =
        entry.condition == inventory::kFirstServer || entry.condition == inventory::kJoiningServer;
    if (entry.role == role && entry.holds_for(version) &&
        (!by_place || of_node.contains(entry.condition))) {
      out.push_back(entry.window);
    }
  }
  return out;
}

}  // namespace harness::plan
