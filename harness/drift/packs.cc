#include "harness/drift/packs.h"

namespace harness::drift {
namespace {

std::vector<Expected> expected_of(const plan::WindowPack& pack,
                                  const Version& version,
                                  std::string_view role,
                                  const std::optional<inventory::Conditions>& conditions) {
  std::vector<Expected> out;
  for (const plan::WindowPack::Entry& entry : pack.entries) {
    if (entry.role != role || !entry.holds_for(version)) {
      continue;
    }
    const bool holds =
        entry.condition.empty() || (conditions && conditions->contains(entry.condition));
    out.push_back({.window = entry.window,
                   .conditional = entry.optional || !holds,
                   .starts = entry.starts,
                   .may_stay_open = entry.may_stay_open,
                   .condition = holds ? entry.condition : ""});
  }
  return out;
}

}  // namespace

Result<Packs> packs_of(const std::vector<plan::WindowPack>& packs,
                       std::vector<std::string> known,
                       const std::optional<inventory::Conditions>& conditions) {
  Packs out;
  out.known = std::move(known);
  for (const plan::WindowPack& pack : packs) {
    TRY_ASSIGN(const plan::Bound line, plan::Bound::parse("v" + pack.line), pack.file);
    out.lines.push_back({pack.line,
                         expected_of(pack, line.highest, "server", conditions),
                         expected_of(pack, line.highest, "agent", conditions)});
  }
  out.of = [packs, conditions](const Version& version,
                               bool server) -> Result<std::vector<Expected>> {
    TRY_ASSIGN(const plan::WindowPack* pack, plan::pack_for(packs, version), "windows");
    return expected_of(*pack, version, server ? "server" : "agent", conditions);
  };
  return out;
}

}  // namespace harness::drift
