#include "harness/cli/json_end.h"

#include <algorithm>
#include <string_view>

#include <CLI/CLI.hpp>

#include "harness/base/json.h"
#include "harness/base/redact.h"
#include "harness/cli/output.h"

namespace harness::cli {

void print_json_end(const Error& error, int exit_status) {
  const Json end = {
      {"verdict", "error"},
      {"cases", Json::array()},
      {"error", {{"code", to_string(error.code())}, {"message", redact(error.message())}}},
      {"exit_status", exit_status}};
  print_json_line(end);
}

bool wants_json(const CLI::App& app, int argc, char** argv) {
  char** const dashes = std::find(argv + 1, argv + argc, std::string_view("--"));
  if (std::find(argv + 1, dashes, std::string_view("--json")) == dashes) {
    return false;
  }
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().back();
  }
  return verb->get_option_no_throw("--json") != nullptr;
}

}  // namespace harness::cli
