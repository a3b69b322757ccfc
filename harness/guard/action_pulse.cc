#include "harness/guard/action_pulse.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include <fmt/format.h>

namespace harness::guard {

Pulses::Pulses(std::string what,
               std::function<std::vector<Process>()> list,
               int percent,
               Means means)
    : what_(std::move(what)),
      list_(std::move(list)),
      percent_(std::clamp(percent, 1, 99)),
      means_(std::move(means)) {}

Result<Deed> Pulses::begin() {
  TRY_ASSIGN(Deed deed, freeze(what_, list_, means_), "slow");
  for (const Json& one : deed.evidence["processes"]) {
    all_.push_back({static_cast<int>(json_int(one, "pid")), json_int(one, "start_ticks")});
  }
  TRY(release_frozen(held_of(what_, all_)), "let it run again");
  next_us_ = deed.effect.mono_us + kPulseUs;
  deed.evidence["how"] = "pulses";
  deed.evidence["percent"] = percent_;
  deed.evidence["period_us"] = kPulseUs;
  deed.evidence["summary"] = fmt::format(
      "{} process{} of {} run {} % of the time: seen in state T by SIGSTOP and running again by "
      "SIGCONT, {} ms each time",
      all_.size(),
      all_.size() == 1 ? "" : "es",
      what_,
      percent_,
      kPulseUs / 1000);
  return deed;
}

void Pulses::stop_all() {
  std::vector<Process> there = list_();
  const auto known = [&](const Process& one) { return std::ranges::find(all_, one) != all_.end(); };
  if (!std::ranges::all_of(there, known)) {
    std::vector<Process> more = all_;
    std::ranges::copy_if(
        there, std::back_inserter(more), [&](const Process& one) { return !known(one); });
    if (means_.note(held_of(what_, more))) {
      all_ = std::move(more);
    } else {
      std::erase_if(there, [&](const Process& one) { return !known(one); });
    }
  }
  for (const Process& one : there) {
    static_cast<void>(signal_to(one, SIGSTOP));
  }
}

void Pulses::continue_all() {
  for (const Process& one : all_) {
    static_cast<void>(signal_to(one, SIGCONT));
  }
}

std::int64_t Pulses::step(std::int64_t mono_us) {
  if (mono_us < next_us_) {
    return next_us_;
  }
  stopped_ ? continue_all() : stop_all();
  stopped_ = !stopped_;
  const std::int64_t run_us = kPulseUs * percent_ / 100;
  next_us_ = mono_us + (stopped_ ? kPulseUs - run_us : run_us);
  return next_us_;
}

Result<Struck> slow(const ArmRecord& record, const Means& means) {
  auto by_quota = slow_service(record, means);
  if (by_quota) {
    return Struck{.deed = *std::move(by_quota), .standing = nullptr};
  }
  if (by_quota.error().code() != ErrorCode::not_supported) {
    return fail(std::move(by_quota).error());
  }
  TRY_ASSIGN(const Process main, main_process(means, record.unit), "slow");
  auto pulses = std::make_unique<Pulses>(
      record.unit,
      [main] { return with_children(main, "/proc"); },
      std::atoi(record.action.how.c_str()),
      means);
  TRY_ASSIGN(Deed deed, pulses->begin(), "");
  deed.evidence["no_quota"] = by_quota.error().message();
  return Struck{.deed = std::move(deed), .standing = std::move(pulses)};
}

std::vector<Process> with_children(const Process& main, const std::string& proc) {
  if (state_of(main) == '-') {
    return {};
  }
  std::vector<Process> out{main};
  std::error_code ignored;
  for (const auto& thread :
       std::filesystem::directory_iterator(fmt::format("{}/{}/task", proc, main.pid), ignored)) {
    std::istringstream pids(read_whole(thread.path().string() + "/children", 65536).value_or(""));
    for (int pid = 0; pids >> pid;) {
      out.push_back({pid, start_ticks(pid)});
    }
  }
  std::erase_if(out, [](const Process& one) { return state_of(one) == '-'; });
  return out;
}

}  // namespace harness::guard
