// What a guard verb printed, made into lines or an error. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/exec/command.h"

namespace harness::cluster {

// The record as the guard reads it. invalid_input when a text in it is not UTF-8.
Result<std::string> encode_record(const Json& record);

// Who is root, for messages about why that did not work.
struct Login {
  std::string node;
  std::string user;
  bool become_sudo = false;
  std::string guard_path;
};

// What the guard's `exec` is given: texts that are parsed must not depend on the node's language.
Json exec_record(const std::string& cluster,
                 const exec::Command& command,
                 std::chrono::milliseconds timeout);

// How old the last look at the guard's SHA-256 may be when a verb is asked. None: the first look on
// the connection is enough, since the verb changes nothing.
std::optional<std::chrono::milliseconds> oldest_look(std::string_view verb);

// The lines before the trailer. The trailer, not the exit status, says how the verb ended: an exit
// status may be sudo's, a shell's or ssh's own.
Result<std::vector<Json>> guard_answer(std::string_view verb,
                                       const exec::CommandResult& result,
                                       const Login& login);

// One line of a stream: a fact, or the error or end that the guard announces.
Result<Json> guard_line(std::string_view verb, std::string_view line);

// Why a command that had to run as root did not: no sudo, a password, not permitted, or the
// command's own words.
Error root_problem(std::string_view doing, const exec::CommandResult& result, const Login& login);

}  // namespace harness::cluster
