#include "harness/guard/action_hog.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/base/time.h"
#include "harness/guard/action_pulse.h"

namespace harness::guard {
namespace {

constexpr std::chrono::milliseconds kEffectLimit{30'000};
constexpr std::int64_t kWorkedTicks = 5;
constexpr std::size_t kChunk = 16U << 20U;
constexpr std::int64_t kSlackMb = 64;
constexpr std::int64_t kOutlivesMs = 15'000;
constexpr int kLookMs = 20;

std::string unit_of(const ArmRecord& record) {
  return "hookshot-hog-" + record.id;
}

std::int64_t number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  std::int64_t out = -1;
  if (at != std::string_view::npos) {
    const std::size_t digit = text.find_first_of("0123456789", at + key.size());
    if (digit != std::string_view::npos) {
      std::from_chars(text.data() + digit, text.data() + text.size(), out);
    }
  }
  return out;
}

std::int64_t available_mb(const std::string& proc) {
  return number_after(read_whole(proc + "/meminfo", 65536).value_or(""), "MemAvailable:") / 1024;
}

// User and system time of a process, in clock ticks.
std::int64_t worked_ticks(const Process& process, const std::string& proc) {
  const std::string stat =
      read_whole(fmt::format("{}/{}/stat", proc, process.pid), 4096).value_or("");
  const std::size_t name_end = stat.rfind(')');
  std::istringstream rest(name_end == std::string::npos ? "" : stat.substr(name_end + 1));
  std::string word;
  std::int64_t sum = 0;
  for (int field = 3; field <= 15 && rest >> word; ++field) {
    sum += field >= 14 ? std::atoll(word.c_str()) : 0;
  }
  return sum;
}

std::int64_t resident_mb(const Process& process, const std::string& proc) {
  return number_after(
             read_whole(fmt::format("{}/{}/status", proc, process.pid), 65536).value_or(""),
             "VmRSS:") /
         1024;
}

std::size_t cores_of(std::int64_t wanted) {
  const std::int64_t all = sysconf(_SC_NPROCESSORS_ONLN);
  return static_cast<std::size_t>(wanted <= 0 ? all : std::min(wanted, all));
}

Result<Json> cpu_effect(const Process& main,
                        std::size_t wanted,
                        const Means& means,
                        const Deadline& deadline) {
  for (;;) {
    std::int64_t ticks = 0;
    const auto all = with_children(main, means.proc);
    for (const Process& one : all) {
      ticks += worked_ticks(one, means.proc);
    }
    if (all.size() >= wanted && ticks >= kWorkedTicks) {
      return Json{{"processes", all.size()},
                  {"cpu_ms", ticks * 1000 / sysconf(_SC_CLK_TCK)},
                  {"summary",
                   fmt::format("{} process{} burn CPU: {} ms used by them so far",
                               all.size(),
                               all.size() == 1 ? "" : "es",
                               ticks * 1000 / sysconf(_SC_CLK_TCK))}};
    }
    if (deadline.passed() || all.empty()) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("the hog's {} processes of {} have used {} ticks of CPU, {} are "
                              "wanted",
                              all.size(),
                              wanted,
                              ticks,
                              kWorkedTicks));
    }
    static_cast<void>(::poll(nullptr, 0, kLookMs));
  }
}

Result<Json> memory_effect(const Process& main,
                           std::int64_t leave_mb,
                           const Means& means,
                           const Deadline& deadline) {
  for (;;) {
    const std::int64_t left = available_mb(means.proc);
    const std::int64_t taken = resident_mb(main, means.proc);
    if (left >= 0 && left <= leave_mb + kSlackMb && taken > 0) {
      return Json{
          {"available_mb", left},
          {"taken_mb", taken},
          {"summary", fmt::format("{} MB of memory taken, {} MB are left available", taken, left)}};
    }
    if (deadline.passed() || state_of(main) == '-') {
      return fail(ErrorCode::remote_failed,
                  fmt::format("{} MB of memory are available, {} MB taken by the hog{}",
                              left,
                              std::max<std::int64_t>(taken, 0),
                              state_of(main) == '-' ? ", which has ended" : ""));
    }
    static_cast<void>(::poll(nullptr, 0, kLookMs));
  }
}

Status begin(const ArmRecord& record, const std::string& amount, const Means& means) {
  const Action& action = record.action;
  return asked(means,
               {"systemd-run",
                "--quiet",
                "--collect",
                "--unit=" + unit_of(record),
                fmt::format("--property=RuntimeMaxSec={}ms", action.hold.count() + kOutlivesMs),
                "--property=KillMode=control-group",
                "--property=TimeoutStopSec=5s",
                "--property=OOMScoreAdjust=1000",
                "--property=MemorySwapMax=0",
                std::string(kGuardPath),
                "hog",
                action.kind == Action::Kind::burn ? "cpu" : "memory",
                amount});
}

[[noreturn]] void burn() {
  for (;;) {
    asm volatile("");
  }
}

int hog_cpu(int cores) {
  const auto wanted = static_cast<int>(cores_of(cores));
  const int parent = getpid();
  for (int i = 1; i < wanted; ++i) {
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() == parent) {
        burn();
      }
      _exit(1);
    }
  }
  burn();
}

int hog_memory(std::int64_t leave_mb) {
  for (;;) {
    const std::int64_t left = available_mb("/proc");
    const auto chunk_mb = static_cast<std::int64_t>(kChunk >> 20U);
    if (left < 0 || left - chunk_mb < leave_mb) {
      static_cast<void>(::poll(nullptr, 0, kLookMs));
      continue;
    }
    void* taken = mmap(
        nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (taken == MAP_FAILED) {
      static_cast<void>(::poll(nullptr, 0, kLookMs));
    }
  }
}

}  // namespace

Result<Deed> start_hog(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  const bool cpu = action.kind == Action::Kind::burn;
  const std::int64_t amount = action.amounts.at(cpu ? "cores" : "leave_mb");
  const std::int64_t before = available_mb(means.proc);
  if (!cpu && before <= amount + kSlackMb) {
    return fail(ErrorCode::remote_failed,
                fmt::format("only {} MB of memory are available, and {} MB are to be left: there "
                            "is nothing to take",
                            before,
                            amount));
  }
  const std::string unit = unit_of(record) + ".service";
  TRY(means.note({{"kind", "hog"}, {"boot_id", boot_id()}, {"unit", unit}}), "keep the unit");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY(begin(record, std::to_string(amount), means), "start the hog");
  TRY_ASSIGN(const Process main, main_process(means, unit), "the hog");
  const Deadline deadline = Deadline::after(kEffectLimit);
  TRY_ASSIGN(deed.evidence,
             cpu ? cpu_effect(main, cores_of(amount), means, deadline)
                 : memory_effect(main, amount, means, deadline),
             "prove it");
  deed.effect = now();
  deed.evidence["how"] = cpu ? "cpu" : "memory";
  deed.evidence["unit"] = unit;
  if (!cpu) {
    deed.evidence["available_mb_before"] = before;
  }
  return deed;
}

Result<std::string> release_hog(const Json& held, const Means& means) {
  const std::string unit = json_string(held, "unit");
  if (!unit.starts_with("hookshot-hog-")) {
    return fail(ErrorCode::internal, "the record names no hog of ours: '" + unit + "'");
  }
  static_cast<void>(means.run({"systemctl", "stop", unit}));
  static_cast<void>(means.run({"systemctl", "reset-failed", unit}));
  TRY_ASSIGN(const std::string active, unit_property(means, unit, "ActiveState"), "read back");
  if (active != "inactive" && active != "failed") {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} was stopped, but is {}; `systemctl kill -s KILL {}` on the node",
                            unit,
                            active,
                            unit));
  }
  return fmt::format("{} is gone, {} MB of memory are available", unit, available_mb(means.proc));
}

int run_hog(const std::string& kind, const std::string& amount) {
  std::int64_t value = -1;
  const auto end = amount.data() + amount.size();
  if (const auto read = std::from_chars(amount.data(), end, value);
      read.ec != std::errc() || read.ptr != end || value < 0) {
    std::fprintf(stderr, "guard: hog: '%s' is no amount\n", amount.c_str());
    return 2;
  }
  if (kind == "cpu") {
    return hog_cpu(static_cast<int>(std::min<std::int64_t>(value, 4096)));
  }
  return kind == "memory" ? hog_memory(value) : 2;
}

}  // namespace harness::guard
