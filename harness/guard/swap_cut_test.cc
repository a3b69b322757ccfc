// The guard is killed before each of its calls to the kernel while it swaps a manifest and puts it
// back, and the undo that comes then leaves nothing.
#include <csignal>
#include <map>

#include <gmock/gmock.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness/guard/manifest_fixture.h"

namespace harness::guard {
namespace {

enum class Cut { done, killed, not_possible };

// `work` in a process of its own, killed before its nth call.
Cut killed_at(int nth, const std::function<void()>& work) {
  const int pid = fork();
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
      _exit(1);
    }
    raise(SIGSTOP);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFSTOPPED(status) ||
      ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
    kill(pid, SIGKILL);
    return Cut::not_possible;
  }
  bool enters = false;
  for (int calls = 0; calls < nth;) {
    ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status)) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      return Cut::done;
    }
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      enters = !enters;
      calls += enters ? 1 : 0;
    }
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return Cut::killed;
}

struct Way {
  const char* how;
  bool far;  // the guard's own folder is on another filesystem
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.how << (way.far ? " far" : " near");
}

// In memory, as so many writes would wait for a disk.
class SwapCut : public ManifestTest, public testing::WithParamInterface<Way> {
 protected:
  static constexpr int kMostCalls = 600;

  void SetUp() override {
    ManifestTest::SetUp();
    memory_ = std::filesystem::path("/dev/shm") / folder_.path().filename();
    std::error_code problem;
    std::filesystem::create_directories(memory_, problem);
    if (problem || is_far(memory_.string()) != true) {
      GTEST_SKIP() << "it wants /dev/shm, and that on another filesystem than " << folder_.string();
    }
    record_.data_dir = (memory_ / "data").string();
    means_.before = ((GetParam().far ? folder_.path() : memory_) / "armed/before").string();
  }

  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(memory_, ignored);
  }

  bool is_far(const std::string& path) const {
    struct stat one {};

    struct stat other {};

    return stat(path.c_str(), &one) == 0 && stat(folder_.string().c_str(), &other) == 0 &&
           one.st_dev != other.st_dev;
  }

  void begin_anew() {
    for (const std::filesystem::path& folder : {memory_, folder_.path()}) {
      std::filesystem::remove_all(folder / "data");
      std::filesystem::remove_all(folder / "armed");
      std::filesystem::create_directories(folder / "armed");
    }
    std::filesystem::create_directories(memory_ / "data/agent/pod-manifests");
    std::ofstream(memory_ / "data/agent/pod-manifests/etcd.yaml") << kManifest;
  }

  std::string kept() const { return (memory_ / "armed/state.json").string(); }

  std::map<std::string, std::string> look() const {
    std::map<std::string, std::string> out;
    for (const auto& item : std::filesystem::recursive_directory_iterator(memory_ / "data")) {
      if (item.is_regular_file()) {
        out[item.path().string()] = read_whole(item.path().string()).value_or("?");
      }
    }
    return out;
  }

  std::filesystem::path memory_;
};

TEST_P(SwapCut, at_any_call_to_the_kernel_leaves_the_manifest_and_nothing_else) {
  means_.note = [this](const Json& held) { return write_durable(kept(), held.dump()); };
  begin_anew();
  const auto before = look();
  int nth = 0;
  for (Cut cut = Cut::killed; cut == Cut::killed;) {
    SCOPED_TRACE(std::to_string(++nth) + "th call");
    ASSERT_LT(nth, kMostCalls);
    begin_anew();
    cut = killed_at(nth, [this] {
      const auto taken = take(GetParam().how);
      const Json held = parse_json(read_whole(kept()).value_or("")).value_or(Json());
      _exit(taken && release_manifest(held, means_) ? 0 : 1);
    });
    if (cut == Cut::not_possible) {
      GTEST_SKIP() << "ptrace of a child is not allowed here";
    }
    const Json held = parse_json(read_whole(kept()).value_or("null")).value_or(Json());
    for (const char* time : {"once", "twice"}) {
      const auto released = guard::release(held, means_);
      ASSERT_TRUE(released) << time << ": " << released.error().message();
      ASSERT_EQ(look(), before) << time << ": " << *released;
    }
    EXPECT_TRUE(held.is_null() || !there(means_.before)) << "a snapshot is wiped when it is back";
  }
  EXPECT_GT(nth, 20) << "it makes more calls than that";
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    SwapCut,
    testing::Values(Way{"move", false}, Way{"move", true}, Way{"uid", false}, Way{"uid", true}),
    [](const auto& one) {
      return std::string(one.param.how) + (one.param.far ? "_far" : "_near");
    });

}  // namespace
}  // namespace harness::guard
