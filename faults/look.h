// What a test sees of a node with its own eyes, and never by the word of its guard.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/cluster/node.h"

namespace harness::fault {

// Long enough for a whole start of RKE2 beside other labs.
inline constexpr std::chrono::minutes kLongestStart{5};

// As curl(1) has them.
inline constexpr int kAnswered = 0;
inline constexpr int kRefused = 7;
inline constexpr int kTimedOut = 28;
// As timeout(1) has it.
inline constexpr int kHangs = 124;

// What answers on a server, each to a curl on it.
inline constexpr const char* kSupervisor = "https://127.0.0.1:9345/ping";
inline constexpr const char* kEtcd = "http://127.0.0.1:2381/health";
inline constexpr const char* kKubelet = "http://127.0.0.1:10248/healthz";
inline constexpr const char* kScheduler = "https://127.0.0.1:10259/healthz";

inline exec::CommandResult look(cluster::Node& node,
                                const std::vector<std::string>& argv,
                                const std::string& input = {}) {
  const auto done =
      node.run({.argv = argv, .input = input}, Deadline::after(std::chrono::seconds(60)));
  EXPECT_TRUE(done) << node.name() << ": " << testing::PrintToString(argv) << ": "
                    << done.error().message();
  return done ? *done : exec::CommandResult{.exit_status = -1};
}

inline std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// curl's exit status; what the server says is all one.
inline int reach(cluster::Node& from, const std::string& url) {
  return look(from, {"curl", "-sk", "-o", "/dev/null", "--max-time", "2", url}).exit_status;
}

// Of one TCP connection: 0, 1 (refused) or kHangs.
inline int connects(cluster::Node& from, const std::string& address, int port) {
  return look(from,
              {"timeout",
               "3",
               "bash",
               "-c",
               "exec 3<>/dev/tcp/$0/$1",
               address,
               std::to_string(port)})
      .exit_status;
}

// Of containerd: 0, 1 (refused) or kHangs.
inline int asks_containerd(cluster::Node& node) {
  return look(node, {"timeout", "3", "ctr", "-a", "/run/k3s/containerd/containerd.sock", "version"})
      .exit_status;
}

inline std::string property(cluster::Node& node, const std::string& unit, const std::string& name) {
  return first_line(look(node, {"systemctl", "show", "-p", name, "--value", unit}).out);
}

inline std::string main_process(cluster::Node& node) {
  return property(node, node.unit(), "MainPID");
}

// The oldest with this name; empty: there is none.
inline std::string process(cluster::Node& node, const std::string& name) {
  return first_line(look(node, {"pgrep", "-o", "-x", name}).out);
}

// As /proc has it; '-' when there is no such process any more.
inline char state_of(cluster::Node& node, const std::string& process) {
  const std::string stat = look(node, {"cat", "/proc/" + process + "/stat"}).out;
  const std::size_t name_ends = stat.rfind(") ");
  const char state = name_ends == std::string::npos ? '-' : stat[name_ends + 2];
  return state == 'Z' || state == 'X' ? '-' : state;
}

// The end of the certificate that a port shows; empty when there is no handshake.
inline std::string served_end(cluster::Node& node, int port) {
  const std::string shown =
      look(node, {"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(port)}).out;
  return first_line(look(node, {"openssl", "x509", "-noout", "-enddate"}, shown).out);
}

// All that a client says that checks the certificate of a port.
inline std::string handshake(cluster::Node& node, int port, const std::string& authority) {
  const auto said = look(node,
                         {"openssl",
                          "s_client",
                          "-connect",
                          "127.0.0.1:" + std::to_string(port),
                          "-CAfile",
                          authority,
                          "-verify_return_error"});
  return said.out + said.err;
}

template <typename T, typename Look>
void becomes(const std::string& what,
             const T& wanted,
             const Look& see,
             std::chrono::seconds limit = kLongestStart) {
  const Status done = eventually(what, Deadline::after(limit), std::chrono::milliseconds(200), [&] {
    const T seen = see();
    return Result<Observation>(
        Observation{.done = seen == wanted, .seen = testing::PrintToString(seen)});
  });
  EXPECT_TRUE(done) << done.error().message();
}

// Killed, and waited for until rke2 has begun another. A kubelet that is new knows no back-off.
inline void begins_anew(cluster::Node& node, const std::string& program) {
  const std::string before = process(node, program);
  ASSERT_NE(before, "") << program;
  EXPECT_EQ(look(node, {"kill", "-KILL", before}).exit_status, 0);
  becomes("another " + program, true, [&] {
    const std::string now = process(node, program);
    return !now.empty() && now != before;
  });
}

// Whatever comes in the place of `before`, a process or a container; empty when nothing did.
template <typename See>
std::string another(const std::string& what,
                    const std::string& before,
                    const See& see,
                    std::chrono::seconds limit = kLongestStart) {
  std::string now;
  const Status came =
      eventually("another " + what, Deadline::after(limit), std::chrono::milliseconds(200), [&] {
        now = see();
        return Result<Observation>(
            Observation{.done = !now.empty() && now != "0" && now != before, .seen = now});
      });
  EXPECT_TRUE(came) << came.error().message();
  return came ? now : "";
}

}  // namespace harness::fault
