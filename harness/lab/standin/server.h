// `rke2 server` and `rke2 agent`: the order of a start.
#pragma once

#include "harness/lab/standin/config.h"

namespace harness::standin {

// Starts the same program anew, in the same process, with the build in its environment, where /proc
// shows it.
void show_build(const Build& build, char** argv);

[[noreturn]] void run_server(const Build& build);
[[noreturn]] void run_agent(const Build& build);

}  // namespace harness::standin
