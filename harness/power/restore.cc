#include "harness/power/restore.h"

#include <fmt/format.h>

namespace harness::power {
namespace {

Result<std::string> bring_back(const Control& control,
                               const Node& node,
                               bool& was_off,
                               Deadline deadline) {
  TRY_ASSIGN(const State found, control.state(node, deadline), "");
  was_off = found == State::off;
  if (!was_off) {
    return "its power is on";
  }
  TRY_ASSIGN(const Settled on, control.bring(node, State::on, deadline), "");
  return fmt::format("its power was off and is on again, by `{}`", on.command);
}

}  // namespace

std::vector<Restored> restore(const inventory::Inventory& inventory,
                              exec::CommandRunner& runner,
                              const Ledger& ledger,
                              Deadline deadline) {
  std::vector<Restored> out;
  for (const Entry& entry : ledger.entries()) {
    Restored one{.node = entry.node, .summary = {}};
    const inventory::Node* node = inventory.find(entry.node);
    if (entry.held) {
      one.summary = fmt::format(
          "run {} on this machine is about to cut its power, or just does, and gives it back "
          "itself",
          entry.run);
      out.push_back(std::move(one));
      continue;
    }
    if (node == nullptr || !inventory.power) {
      one.summary = fmt::format(
          "its power was to be cut by run {}, and {} has no {}: see that it is on, then remove {}",
          entry.run,
          inventory.file,
          node == nullptr ? "such node any more" : "`power` any more",
          (ledger.folder() / (entry.node + ".json")).string());
      out.push_back(std::move(one));
      continue;
    }
    const Control control(runner, *inventory.power);
    const auto done = bring_back(control, {node->name, node->address}, one.was_off, deadline);
    one.summary = done ? *done : done.error().message();
    if (done) {
      const Status gone = ledger.forget(entry.node);
      one.ok = gone.has_value();
      one.summary += gone ? "" : "; " + gone.error().message();
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string off_without_entry(const inventory::Inventory& inventory,
                              exec::CommandRunner& runner,
                              const std::string& node,
                              Deadline deadline) {
  const inventory::Node* found = inventory.find(node);
  if (found == nullptr || !inventory.power) {
    return {};
  }
  const Control control(runner, *inventory.power);
  const auto state = control.state({found->name, found->address}, deadline);
  if (!state || *state == State::on) {
    return {};
  }
  return fmt::format(
      "its power is off, and no run on this machine left it so; `{}` gives it back, or `hookshot "
      "heal` on the machine whose run cut it",
      control.shown({found->name, found->address}, State::on));
}

}  // namespace harness::power
