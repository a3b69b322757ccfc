#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/action_kill.h"

namespace harness::guard {
namespace {

constexpr const char* kContainerdSocket = "/run/k3s/containerd/containerd.sock";

// A child that is killed and reaped unless it was reaped before.
class Child {
 public:
  explicit Child(int pid) : pid_(pid), pidfd_(pidfd_open(pid)) {}

  ~Child() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      kill(pid_, SIGKILL);
      reap();
    }
    close(pidfd_);
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pidfd() const { return pidfd_; }

  int reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  int pid_;
  int pidfd_;
};

std::string said(int fd) {
  char buffer[2048];
  const ssize_t got = pread(fd, buffer, sizeof buffer, 0);
  std::string text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

std::string ctr_of(const ArmRecord& record) {
  // RKE2's own first: another containerd's ctr on the PATH may not speak to this one.
  const std::string own = find_program(record.data_dir + "/bin/ctr");
  return own.empty() ? find_program("ctr", record.data_dir) : own;
}

// Waits for the end of both; the time is the container's.
Status await_both(const Child& ctr, const Container& target, Deadline deadline, Now& effect) {
  bool container_over = false;
  bool ctr_over = false;
  while (!container_over || !ctr_over) {
    pollfd watched[2] = {{container_over ? -1 : target.pidfd, POLLIN, 0},
                         {ctr_over ? -1 : ctr.pidfd(), POLLIN, 0}};
    static_cast<void>(::poll(watched, 2, static_cast<int>(deadline.left().count())));
    if (watched[0].revents != 0) {
      effect = now();
      container_over = true;
    }
    ctr_over = ctr_over || watched[1].revents != 0;
    if (deadline.passed() && (!container_over || !ctr_over)) {
      return fail(ErrorCode::remote_failed,
                  container_over ? "ctr did not end in time, though the container did"
                                 : fmt::format("process {} lives on", target.pid));
    }
    if (ctr_over && !container_over) {
      return pidfd_wait(target.pidfd, deadline.left())
                 ? (effect = now(), Status())
                 : Status(fail(ErrorCode::remote_failed,
                               fmt::format("process {} lives on", target.pid)));
    }
  }
  return {};
}

}  // namespace

Result<Deed> kill_task(const ArmRecord& record,
                       const Container& target,
                       std::chrono::milliseconds limit) {
  const std::string program = ctr_of(record);
  if (program.empty()) {
    return fail(ErrorCode::not_supported, "ctr is not on this node; use how=process");
  }
  const int none = open("/dev/null", O_RDWR | O_CLOEXEC);
  const int err = memfd_create("ctr", MFD_CLOEXEC);
  Deed deed{.begun = now(), .effect = {}, .evidence = facts_of(target, "task")};
  const int pid = start({program,
                         "--address",
                         kContainerdSocket,
                         "-n",
                         "k8s.io",
                         "task",
                         "kill",
                         "--signal",
                         "SIGKILL",
                         target.id},
                        none,
                        none,
                        err);
  const int problem = errno;
  close(none);
  if (pid < 0) {
    close(err);
    return fail(ErrorCode::remote_failed, fmt::format("start ctr: {}", std::strerror(problem)));
  }
  Child ctr(pid);
  Status seen = await_both(ctr, target, Deadline::after(limit), deed.effect);
  const bool ctr_over = pidfd_wait(ctr.pidfd(), std::chrono::milliseconds(0));
  const int status = ctr_over ? ctr.reap() : 0;
  const std::string text = said(err);
  close(err);
  if (ctr_over && status != 0) {
    seen = fail(ErrorCode::remote_failed,
                fmt::format("ctr did not do it ({} {}), so an end of the container is not ours",
                            WIFEXITED(status) ? "exit" : "signal",
                            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
  }
  if (!seen) {
    return fail(ErrorCode::remote_failed,
                fmt::format("ctr task kill of {}: {}; ctr said: {}",
                            record.action.pod,
                            seen.error().message(),
                            text.empty() ? "nothing" : text));
  }
  deed.evidence["ctr_exit"] = 0;
  deed.evidence["summary"] =
      fmt::format("task {} of {} killed through containerd: process {} ended",
                  target.id.substr(0, 12),
                  record.action.pod,
                  target.pid);
  return with_read_back(std::move(deed), record, target);
}

}  // namespace harness::guard
