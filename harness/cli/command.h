// What the verbs share: exit statuses, the options that several of them take, and how an error ends
// a verb.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "harness/base/result.h"

namespace harness::cli {

// A run that was stopped ends with what stopped it: run::kTimeLimitPassed, or 130 and 143.
inline constexpr int kPassed = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kHarness = 3;
inline constexpr int kUnproven = 4;
inline constexpr int kUnhealed = 5;

// A verb registers its options on `app` and sets `action` in its callback; main runs the action.
// Parsing thus never touches a node.
using Action = std::function<int()>;

void add_doctor(CLI::App& app, Action& action);
void add_allow(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_shrink(CLI::App& app, Action& action);
void add_windows(CLI::App& app, Action& action);
void add_windows_check(CLI::App& windows, Action& action);
void add_windows_learn(CLI::App& windows, Action& action);
void add_windows_watch(CLI::App& windows, Action& action);
void add_fault(CLI::App& app, Action& action);
void add_guard(CLI::App& app, Action& action);
void add_heal(CLI::App& app, Action& action);
void add_judge(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_selfcheck(CLI::App& app, Action& action);
void add_lab(CLI::App& app, Action& action);
void add_lab_power(CLI::App& lab, Action& action);

// Prints "hookshot: <message>" on standard error and returns the status that the error's code asks
// for. It is how a verb ends: hookshot's end tells of it as JSON, too, where that was asked for.
int fail_with(const Error& error);
// As above, of what a verb with --json has told there by itself.
int complain(const Error& error);
// What fail_with had last.
const std::optional<Error>& failure();
int exit_status_of(ErrorCode code);

}  // namespace harness::cli
