// What several tests of the guard stand on. For tests only.
#pragma once

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/guard/action_hold.h"
#include "harness/guard/store.h"
#include "harness/guard/trigger.h"

namespace harness::guard {

// A folder of the test's own, gone with it.
class TestFolder {
 public:
  TestFolder() : path_((std::filesystem::temp_directory_path() / "hookshot-XXXXXX").string()) {
    std::string made = path_.string();
    EXPECT_NE(mkdtemp(made.data()), nullptr) << made;
    path_ = made;
  }

  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::string string() const { return path_.string(); }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Children that only wait, ended with the test.
class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  ~Children() {
    while (!started_.empty()) {
      end(started_.back());
    }
  }

  Process start_one() {
    const int pid = fork();
    if (pid == 0) {
      for (;;) {
        pause();
      }
    }
    started_.push_back({pid, start_ticks(pid)});
    return started_.back();
  }

  void end(Process one) {
    kill(one.pid, SIGKILL);
    waitpid(one.pid, nullptr, 0);
    std::erase(started_, one);
  }

 private:
  std::vector<Process> started_;
};

// An inotify queue that overflows: what is in it is gone, and one event says so.
class LossyQueue {
 public:
  void overflow() { lost_ = true; }

  ssize_t read(int fd, void* into, std::size_t size) {
    if (!std::exchange(lost_, false)) {
      return ::read(fd, into, size);
    }
    while (::read(fd, into, size) > 0) {
    }
    inotify_event said{};
    said.wd = -1;
    said.mask = IN_Q_OVERFLOW;
    std::memcpy(into, &said, sizeof said);
    return sizeof said;
  }

 private:
  bool lost_ = false;
};

// Programs that are found before the machine's own, and what they were asked.
class FakeTools {
 public:
  explicit FakeTools(const std::filesystem::path& folder)
      : folder_(folder / "tools"),
        path_(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "") {
    std::filesystem::create_directories(folder_);
    setenv("PATH", (folder_.string() + ":" + path_).c_str(), 1);
    answer("systemctl", "case \"$1\" in is-active) echo inactive; exit 3;; esac");
    answer("systemd-run", "");
    answer("nft", "echo '{\"nftables\": []}'");
    answer("tc", "echo '[]'");
  }

  ~FakeTools() { setenv("PATH", path_.c_str(), 1); }

  FakeTools(const FakeTools&) = delete;
  FakeTools& operator=(const FakeTools&) = delete;

  // `script`: of sh, with the words that the program is given.
  void answer(const std::string& program, const std::string& script) const {
    const std::filesystem::path file = folder_ / program;
    std::ofstream(file) << "#!/bin/sh\necho \"" << program << " $*\" >> " << log() << "\n"
                        << script << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }

  std::string asked() const { return read_whole(log()).value_or(""); }

 private:
  std::string log() const { return (folder_ / "asked").string(); }

  std::filesystem::path folder_;
  std::string path_;
};

// Places whose disk can be full: the kernel's own ENOSPC, by way of /dev/full.
class Disk {
 public:
  explicit Disk(const TestFolder& folder) : places_(Places::below(folder.string())) {
    places_.write = [this](const std::string& path, std::string_view content, Sync sync) {
      if (full) {
        std::error_code ignored;
        std::filesystem::create_symlink(
            "/dev/full", path + ".new" + std::to_string(getpid()), ignored);
      }
      return write_whole(path, content, sync);
    };
    places_.settles = std::chrono::milliseconds(100);
    std::filesystem::create_directories(places_.state + "/armed");
    std::filesystem::create_directories(std::filesystem::path(places_.allow).parent_path());
    std::ofstream(places_.allow) << "lab\n";
  }

  const Places& places() const { return places_; }

  // What is in memory is gone.
  void reboot() const { std::filesystem::remove_all(places_.run); }

  bool full = false;

 private:
  Places places_;
};

inline RecordState armed_record(const std::string& id) {
  RecordState out;
  out.record = {.id = id,
                .run = "r",
                .case_name = "c",
                .cluster = "lab",
                .unit = "rke2-server.service",
                .data_dir = "/var/lib/rancher/rke2",
                .fault = "kill-pod"};
  out.record.action = {Action::Kind::kill, "etcd", "task"};
  out.record.trigger = {.window = "w",
                        .open = {{event::Marker::Kind::log, "open", {}, {}}},
                        .close = {{event::Marker::Kind::log, "close", {}, {}}}};
  out.record.ttl = out.record.lease = std::chrono::seconds(10);
  out.progress = {{"state", "ARMED"}, {"outcome", ""}, {"boot_id", "boot1"}};
  return out;
}

// An armed record's trigger in a process of its own, as on the node; its exit status.
inline int fire_apart(Store& store, const std::string& id) {
  const int pid = fork();
  if (pid == 0) {
    _exit(run_trigger(store, id));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A verb's answer: its status, and the lines that it wrote.
struct Said {
  Status status;
  std::vector<Json> lines;
};

template <typename Verb>
Said said_by(Verb&& verb) {
  testing::internal::CaptureStdout();
  Said out{.status = verb(), .lines = {}};
  const std::string text = testing::internal::GetCapturedStdout();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out.lines.push_back(parse_json(text.substr(at, end - at)).value_or(Json()));
    at = end + 1;
  }
  return out;
}

}  // namespace harness::guard
