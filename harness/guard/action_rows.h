// What the guard can be asked to do, a row each: the words and amounts that it takes, whether it
// lasts, and whether it survives a reboot. action_form.h holds records against them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/guard/protocol.h"

namespace harness::guard {

using Words = std::vector<std::string_view>;

// Both ends are taken.
struct Range {
  std::string_view key;
  std::int64_t least = 0;
  std::int64_t most = 0;
};

struct Form {
  std::string_view name;
  Action::Kind kind = Action::Kind::none;
  Words pods;
  Words objects;
  Words ways;
  Words at_once;  // of the ways: over as soon as it is done
  bool lasting = false;
  bool survives_reboot = false;
  std::vector<Range> amounts;
  Words directions = {};
  bool addresses = false;
  bool host = false;
};

const std::vector<Form>& forms();
const Form& form_of(Action::Kind kind);

}  // namespace harness::guard
