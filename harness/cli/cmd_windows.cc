// windows: the windows that the packs know.

#include <memory>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/planning.h"

namespace harness::cli {
namespace {

struct Options {
  std::string version;
  bool json = false;
};

constexpr std::string_view starts_of(const plan::WindowPack::Entry& entry) {
  switch (entry.starts) {
    case plan::WindowPack::Entry::Starts::first:
      return "first";
    case plan::WindowPack::Entry::Starts::later:
      return "later";
    case plan::WindowPack::Entry::Starts::not_joining:
      return "not-joining";
    case plan::WindowPack::Entry::Starts::all:
      break;
  }
  return "all";
}

std::string when_it_comes(const plan::WindowPack::Entry& entry) {
  std::string out = entry.optional ? ", not in every start" : "";
  if (entry.starts == plan::WindowPack::Entry::Starts::not_joining) {
    out += ", not where a server joins";
  } else if (entry.starts != plan::WindowPack::Entry::Starts::all) {
    out += fmt::format(", in a database's {} start{} alone",
                       starts_of(entry),
                       entry.starts == plan::WindowPack::Entry::Starts::later ? "s" : "");
  }
  return out + (entry.may_stay_open ? ", its end may not come" : "");
}

void print_entry(const plan::WindowPack::Entry& entry) {
  print_out("\n{} ({}{}{}){}{}{}\n  {}\n",
            entry.window.name,
            entry.role,
            entry.from ? ", from " + entry.from->tag() : "",
            entry.to ? ", up to " + entry.to->tag() : "",
            entry.usual_length.empty() ? "" : ", usually " + entry.usual_length,
            entry.condition.empty() ? "" : ", only with " + entry.condition,
            when_it_comes(entry),
            entry.window.description);
  for (const event::Marker& marker : entry.window.open) {
    print_out("  opens   {}\n", event::describe(marker));
  }
  for (const event::Marker& marker : entry.window.close) {
    print_out("  closes  {}\n", event::describe(marker));
  }
}

Json to_json(const plan::WindowPack& pack, const plan::WindowPack::Entry& entry) {
  Json out = {{"line", pack.line},
              {"name", entry.window.name},
              {"role", entry.role},
              {"description", entry.window.description},
              {"condition", entry.condition},
              {"optional", entry.optional},
              {"starts", starts_of(entry)},
              {"may_stay_open", entry.may_stay_open},
              {"from", entry.from ? entry.from->tag() : ""},
              {"to", entry.to ? entry.to->tag() : ""},
              {"usual_length", entry.usual_length},
              {"open", Json::array()},
              {"close", Json::array()}};
  for (const event::Marker& marker : entry.window.open) {
    out["open"].push_back(event::to_json(marker));
  }
  for (const event::Marker& marker : entry.window.close) {
    out["close"].push_back(event::to_json(marker));
  }
  return out;
}

Result<int> windows(const Options& options) {
  TRY_ASSIGN(const std::vector<plan::WindowPack> packs, window_packs(), "windows");
  Version version;
  const plan::WindowPack* only = nullptr;
  if (!options.version.empty()) {
    TRY_ASSIGN(version, Version::parse(options.version), "--of");
    TRY_ASSIGN(only, plan::pack_for(packs, version), "--of");
  }
  Json all = Json::array();
  for (const plan::WindowPack& pack : packs) {
    if (only != nullptr && only != &pack) {
      continue;
    }
    if (!options.json) {
      print_out("RKE2 {}\n", pack.line);
    }
    for (const plan::WindowPack::Entry& entry : pack.entries) {
      if (only != nullptr && !entry.holds_for(version)) {
        continue;
      }
      if (options.json) {
        all.push_back(to_json(pack, entry));
      } else {
        print_entry(entry);
      }
    }
  }
  if (options.json) {
    print_json(all);
  }
  return kPassed;
}

}  // namespace

void add_windows(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("windows", "The windows at which faults can be aimed, with their markers");
  verb->add_option(
      "--of", options->version, "Only those of this release, e.g. v1.30.13-rc2+rke2r1");
  verb->add_flag("--json", options->json, "As JSON");
  add_windows_check(*verb, action);
  add_windows_learn(*verb, action);
  add_windows_watch(*verb, action);
  verb->callback([options, verb, &action] {
    if (!verb->get_subcommands().empty()) {
      return;
    }
    action = [options] {
      const auto done = windows(*options);
      return done ? *done : fail_with(done.error());
    };
  });
}

}  // namespace harness::cli
