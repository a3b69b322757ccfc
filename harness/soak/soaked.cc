#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "harness/soak/round.h"

namespace harness::soak {
namespace {

constexpr std::size_t kCount = 8;  // of "20 of 21"

struct Cell {
  int rounds = 0;
  int met = 0;
};

struct Column {
  std::string_view title;
  Mishap mishap = Mishap::none;
  std::optional<fault::Step> step = std::nullopt;

  bool has(const Drawn& drawn) const {
    return drawn.mishap == mishap && (!step || drawn.step == *step);
  }
};

using fault::Step;
constexpr std::array<Column, 12> kColumns = {
    {{"none", Mishap::none},
     {"undone twice", Mishap::undone_twice},
     {"undone first", Mishap::undone_first},
     {"killed: begun", Mishap::controller_killed, Step::begun},
     {"checked", Mishap::controller_killed, Step::checked},
     {"armed", Mishap::controller_killed, Step::armed},
     {"known", Mishap::controller_killed, Step::known},
     {"taken back", Mishap::controller_killed, Step::taken_back},
     {"healed", Mishap::controller_killed, Step::healed},
     {"trigger killed", Mishap::trigger_killed},
     {"restarted", Mishap::service_restarted},
     {"rebooted", Mishap::rebooted}}};

struct Line {
  std::array<Cell, kColumns.size()> cells;
  int leaks = 0;

  void add(const Round& round) {
    const bool met = round.outcome.starts_with("applied") || round.outcome == "killed";
    for (std::size_t at = 0; at < cells.size(); ++at) {
      cells[at].rounds += kColumns[at].has(round.drawn) ? 1 : 0;
      cells[at].met += kColumns[at].has(round.drawn) && met ? 1 : 0;
    }
    leaks += static_cast<int>(round.leaks.size());
  }

  std::string text(std::string_view name) const {
    std::string out = fmt::format("{:<20}", name);
    for (std::size_t at = 0; at < cells.size(); ++at) {
      const Cell& cell = cells[at];
      const std::string count =
          cell.rounds == 0 ? "-" : fmt::format("{} of {}", cell.met, cell.rounds);
      out += fmt::format("  {:>{}}", count, width(kColumns[at]));
    }
    return out + fmt::format("  {:>5}\n", leaks);
  }

  static std::size_t width(const Column& column) { return std::max(column.title.size(), kCount); }
};

}  // namespace

int Soaked::leaks() const {
  int out = 0;
  for (const Round& round : rounds) {
    out += static_cast<int>(round.leaks.size());
  }
  return out;
}

std::string Soaked::table() const {
  std::map<std::string, Line> lines;
  Line all;
  for (const Round& round : rounds) {
    lines[round.drawn.fault].add(round);
    all.add(round);
  }
  std::string out = fmt::format("{:<20}", "met, of rounds");
  for (const Column& column : kColumns) {
    out += fmt::format("  {:>{}}", column.title, Line::width(column));
  }
  out += fmt::format("  {:>5}\n", "leaks");
  for (const auto& [fault, line] : lines) {
    out += line.text(fault);
  }
  return out + all.text("all");
}

}  // namespace harness::soak
