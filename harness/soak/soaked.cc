#include <map>

#include <fmt/format.h>

#include "harness/soak/round.h"

namespace harness::soak {
namespace {

struct Cell {
  int rounds = 0;
  int met = 0;
};

struct Line {
  std::map<Mishap, Cell> cells;
  int leaks = 0;

  void add(const Round& round) {
    Cell& cell = cells[round.drawn.mishap];
    ++cell.rounds;
    const bool met = round.outcome.starts_with("applied") || round.outcome == "killed";
    cell.met += met ? 1 : 0;
    leaks += static_cast<int>(round.leaks.size());
  }

  std::string text(std::string_view name) const {
    std::string out = fmt::format("{:<20}", name);
    for (const Mishap mishap : all_mishaps()) {
      const auto found = cells.find(mishap);
      out += fmt::format("{:>19}",
                         found == cells.end()
                             ? "-"
                             : fmt::format("{} of {}", found->second.met, found->second.rounds));
    }
    return out + fmt::format("{:>7}\n", leaks);
  }
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
  for (const Mishap mishap : all_mishaps()) {
    out += fmt::format("{:>19}", to_string(mishap));
  }
  out += fmt::format("{:>7}\n", "leaks");
  for (const auto& [fault, line] : lines) {
    out += line.text(fault);
  }
  return out + all.text("all");
}

}  // namespace harness::soak
