// The power of nodes, by the inventory's commands, which run on this machine.
//
// Each is an argv, never a shell string; `{address}` and `{name}` are filled in per word. Nothing
// is taken for granted: that the power is off or on is what the `state` command says afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/exec/runner.h"
#include "harness/inventory/inventory.h"

namespace harness::power {

struct Node {
  std::string name;
  std::string address;
};

enum class State { on, off };
std::string_view to_string(State state);

// From what a `state` command prints: one of the words on, running or up, or one of off, stopped,
// shut, down or poweredoff, in any letters. None or both: invalid_input.
Result<State> state_from(std::string_view text);

// What came of setting a state, on this machine's clock, in microseconds.
struct Settled {
  std::int64_t begun_us = 0;  // the first command
  std::int64_t ended_us = 0;
  std::int64_t seen_us = 0;  // when the state command first said that it is so
  int tries = 0;
  std::string command;  // as shown: without what is secret
  std::string said;     // its last output, one line, redacted

  Json to_json() const;
};

struct ControlOptions {
  std::chrono::milliseconds command_limit{30'000};
  std::chrono::milliseconds look_period{100};
  // A command that did not bring the state is given again after this.
  std::chrono::milliseconds again_after{10'000};
};

class Control {
 public:
  // The runner must outlive it.
  Control(exec::CommandRunner& runner, inventory::Power commands, ControlOptions options = {})
      : runner_(runner), commands_(std::move(commands)), options_(options) {}

  // The error holds the command, its exit status and what it printed.
  Result<State> state(const Node& node, Deadline deadline) const;
  // Runs `off` or `on` and waits until `state` says so, from the deadline's error what was said
  // last. A stop ends it only between commands.
  Result<Settled> bring(const Node& node,
                        State wanted,
                        Deadline deadline,
                        std::stop_token stop = {}) const;
  // The command as a person would type it, without what is secret.
  std::string shown(const Node& node, State wanted) const;

 private:
  const std::vector<std::string>& words_of(State wanted) const {
    return wanted == State::on ? commands_.on : commands_.off;
  }

  Result<std::string> run(const std::string& which,
                          const std::vector<std::string>& words,
                          const Node& node,
                          Deadline deadline) const;

  exec::CommandRunner& runner_;
  const inventory::Power commands_;
  const ControlOptions options_;
};

}  // namespace harness::power
