// How a verb with --json tells of an error: as one object, in one line, on standard output.
#pragma once

#include "harness/base/result.h"

namespace CLI {
class App;
}  // namespace CLI

namespace harness::cli {

void print_json_end(const Error& error, int exit_status);

// Whether these words name a verb that has --json and ask for it, also where they are wrong.
bool wants_json(const CLI::App& app, int argc, char** argv);

}  // namespace harness::cli
