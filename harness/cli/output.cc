#include "harness/cli/output.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "harness/cli/command.h"

namespace harness::cli {
namespace {

std::atomic<int> first_problem = 0;  // also of a thread that shows what it sees

}  // namespace

void print_text(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    int none = 0;
    first_problem.compare_exchange_strong(none, errno);
  }
}

void print_json(const Json& json) {
  print_text(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print_json_line(const Json& json) {
  print_text(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int status_of_loss(int status) {
  return status == kPassed || status == kUnproven ? kHarness : status;
}

int end_output(int status) {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int last_problem = errno;
  if (flushed && std::ferror(stdout) == 0) {
    return status;
  }
  const int problem = first_problem != 0 ? first_problem.load() : last_problem;
  const int changed = status_of_loss(status);
  fmt::print(
      stderr,
      "hookshot: standard output: not all of what was printed could be written{}{}; make "
      "room there or send it elsewhere, and ask again{}\n",
      problem == 0 ? "" : ": ",
      problem == 0 ? "" : std::generic_category().message(problem),
      changed == status ? "" : fmt::format(" (exit status {} instead of {})", changed, status));
  return changed;
}

}  // namespace harness::cli
