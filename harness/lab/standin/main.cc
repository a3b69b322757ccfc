#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/lab/standin/config.h"
#include "harness/lab/standin/server.h"

namespace {

constexpr std::string_view kHelp =
    "rke2: the stand-in for rke2 of the hookshot lab, not the product\n"
    "\n"
    "  rke2 server      run as a server node (reads /etc/rancher/rke2/config.yaml)\n"
    "  rke2 agent       run as an agent node\n"
    "  rke2 --version   what this build is\n"
    "  rke2 --help      this text\n"
    "\n"
    "It has no other command and no flags; the product's are in its own documentation.\n";

int refuse(std::string_view text) {
  fmt::print(stderr, "rke2 (stand-in): {}\n", text);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc == 2 ? argv[1] : "";
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(std::string(kHelp).c_str(), stdout);
    return 0;
  }
  const auto build = harness::standin::load_build();
  if (!build) {
    return refuse(build.error().message());
  }
  if (command == "--version" || command == "-v") {
    std::fputs(version_text(*build).c_str(), stdout);
    return 0;
  }
  if (command == "server" || command == "agent") {
    harness::standin::show_build(*build, argv);
    command == "server" ? harness::standin::run_server(*build)
                        : harness::standin::run_agent(*build);
  }
  if (argc < 2) {
    return refuse("no command given; it is server or agent, see rke2 --help");
  }
  return refuse(
      fmt::format("'{}' is not something the stand-in can do; see rke2 --help", argv[argc - 1]));
}
