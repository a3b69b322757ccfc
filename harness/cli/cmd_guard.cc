// guard: what an administrator puts on a node beforehand, so that hookshot needs no more there than
// that one program, held to its digest.

#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "harness/base/names.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/guard/embedded.h"
#include "harness/guard/protocol.h"

namespace harness::cli {
namespace {

struct Options {
  std::string write;
  std::string user;
};

Status write_guard(const std::string& file) {
  const auto bytes = guard::binary();
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code problem;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all, problem);
  if (!out || problem) {
    return fail(ErrorCode::invalid_input, fmt::format("--write: {} cannot be written", file));
  }
  return {};
}

Status check_user(const std::string& user) {
  if (!is_cluster_name(user)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("--user: '{}' is no user's name: letters, digits, dots, dashes and "
                            "underscores are wanted, and no dot or dash first",
                            user));
  }
  if (user.front() >= 'A' && user.front() <= 'Z') {
    return fail(ErrorCode::invalid_input,
                fmt::format("--user: '{}' begins with a capital letter, by which sudoers knows its "
                            "aliases (ALL is everybody): give a user whose name begins otherwise",
                            user));
  }
  return {};
}

int show(const Options& options) {
  const auto done = [&]() -> Status {
    TRY(options.user.empty() ? Status() : check_user(options.user), "guard");
    TRY(options.write.empty() ? Status() : write_guard(options.write), "guard");
    return {};
  }();
  if (!done) {
    return fail_with(done.error());
  }
  if (options.user.empty()) {
    print_out("{}  {}\n", guard::sha256(), guard::kGuardPath);
    return kPassed;
  }
  print_out(
      "# /etc/sudoers.d/hookshot: this build's guard and no other; check it with visudo -c\n"
      "{0} ALL=(root) NOPASSWD: sha256:{1} {2}\n"
      "{0} ALL=(root) NOPASSWD: /usr/bin/sha256sum {2}\n",
      options.user,
      guard::sha256(),
      guard::kGuardPath);
  return kPassed;
}

}  // namespace

void add_guard(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "guard", "The program that runs on the nodes: its digest, itself, and its sudo rule");
  verb->add_option("--write", options->write, "Write it to this file, for `install` on the nodes");
  verb->add_option("--user", options->user, "Print the sudo rule by which this user may run it");
  verb->callback([options, &action] { action = [options] { return show(*options); }; });
}

}  // namespace harness::cli
