// Ctrl-C while the nodes are still being connected: a signal's exit status from every verb that
// plays trials.

#include <csignal>
#include <iterator>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "harness/base/eventually.h"
#include "harness/cli/cli_fixture.h"
#include "harness/exec/unique_fd.h"

extern char** environ;

namespace harness::cli {
namespace {

constexpr const char* kFrom = "v1.30.12+rke2r1";
constexpr const char* kTo = "v1.30.13-rc2+rke2r1";

// The node is a port that takes a connection and says nothing.
class Stopped : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    port_ = exec::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(port_.get(), plain, size), 0);
    ASSERT_EQ(::getsockname(port_.get(), plain, &size), 0);
    ASSERT_EQ(::listen(port_.get(), 4), 0);
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    ASSERT_EQ(::setsockopt(port_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    file("inv.yaml",
         "cluster: lab-a\nexpendable: true\nssh: {user: root, known_hosts: known_hosts}\nnodes:\n"
         "  - {name: cp-1, address: 127.0.0.1, roles: [server], port: " +
             std::to_string(ntohs(address.sin_port)) + "}\ninstall: {method: tarball, artifacts: " +
             (directory_ / "artifacts").string() + "}\n");
    for (const char* version : {"v1.30.11+rke2r1", kFrom, "v1.30.13-rc1+rke2r1", kTo}) {
      release(version);
    }
  }

  std::string said() const {
    std::ifstream in(directory_ / "said");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  pid_t begin(std::vector<std::string> words) {
    words.insert(words.begin(), std::string(HOOKSHOT_BINARY_DIR) + "/harness/cli/hookshot");
    words.insert(words.end(), {"-i", inventory(), "--results", (directory_ / "results").string()});
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const std::string errors = file("said", "");
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors.c_str(), O_WRONLY | O_APPEND, 0);
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
  }

  // The exit status of one that gets SIGINT while it waits for the node, which then hangs up.
  int stopped(const std::vector<std::string>& words) {
    const pid_t pid = begin(words);
    exec::UniqueFd connected(::accept4(port_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(connected) << said();
    kill(pid, SIGINT);
    const Status known =
        eventually("the signal is known",
                   Deadline::after(std::chrono::seconds(60)),
                   std::chrono::milliseconds(5),
                   [&]() -> Result<Observation> {
                     const std::string text = said();
                     return Observation{.done = text.find("stopping: healing") != std::string::npos,
                                        .seen = text};
                   });
    EXPECT_TRUE(known) << known.error().message();
    port_.reset();
    connected.reset();
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  exec::UniqueFd port_;
};

TEST_F(Stopped, run_ends_with_the_signals_status) {
  EXPECT_EQ(stopped({"run", kSource + "/suites/smoke.yaml"}), 130) << said();
}

TEST_F(Stopped, windows_learn_ends_with_the_signals_status) {
  EXPECT_EQ(stopped({"windows", "learn", "--from", kFrom, "--to", kTo}), 130) << said();
}

TEST_F(Stopped, selfcheck_ends_with_the_signals_status) {
  EXPECT_EQ(stopped({"selfcheck"}), 130) << said();
}

}  // namespace
}  // namespace harness::cli
