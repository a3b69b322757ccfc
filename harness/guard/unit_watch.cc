#include "harness/guard/unit_watch.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace harness::guard {
namespace {

// systemd writes about each change of state, and that is news; this is for what was lost.
constexpr std::int64_t kPeriodUs = 10'000'000;
constexpr std::int64_t kSettledUs = 100'000;
constexpr std::int64_t kLimitUs = 5'000'000;
constexpr std::size_t kMostText = 64U << 10U;

std::map<std::string, std::string> properties_of(const std::string& text) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      out[line.substr(0, equals)] = line.substr(equals + 1);
    }
    at = end + 1;
  }
  return out;
}

}  // namespace

UnitWatch::UnitWatch(std::string unit, std::vector<std::string> show)
    : unit_(std::move(unit)),
      show_(!show.empty() ? std::move(show)
                          : std::vector<std::string>{
                                find_program("systemctl"),
                                "show",
                                "--property=ActiveState,SubState,Result,InvocationID,MainPID,"
                                "NRestarts,ExecMainStatus,StateChangeTimestampMonotonic",
                                unit_}) {}

UnitWatch::~UnitWatch() {
  abandon();
}

void UnitWatch::abandon() {
  if (pipe_ >= 0) {
    close(std::exchange(pipe_, -1));
  }
  if (child_ > 0) {
    kill(-child_, SIGKILL);
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }
}

void UnitWatch::news() {
  next_at_ = 0;
  settled_at_ = now().mono_us + kSettledUs;
}

void UnitWatch::ask(std::int64_t at) {
  next_at_ = at + kPeriodUs;
  if (settled_at_ != 0) {
    next_at_ = settled_at_ > at ? settled_at_ : next_at_;
    settled_at_ = settled_at_ > at ? settled_at_ : 0;
  }
  int ends[2] = {-1, -1};
  if (show_[0].empty() || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return;
  }
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  child_ = start(show_, nothing, ends[1], nothing);
  close(nothing);
  close(ends[1]);
  pipe_ = ends[0];
  asked_at_ = at;
  text_.clear();
}

void UnitWatch::wait_on(std::vector<pollfd>& watched) const {
  if (pipe_ >= 0) {
    watched.push_back({pipe_, POLLIN, 0});
  }
}

void UnitWatch::tell(const Take& take) {
  auto values = properties_of(text_);
  if (values["ActiveState"].empty()) {
    return;
  }
  Json fact = {{"type", "unit"},
               {"unit", unit_},
               {"active", values["ActiveState"]},
               {"sub", values["SubState"]},
               {"result", values["Result"]},
               {"invocation", values["InvocationID"]},
               {"main_pid", std::atoll(values["MainPID"].c_str())},
               {"n_restarts", std::atoll(values["NRestarts"].c_str())},
               {"exec_status", std::atoll(values["ExecMainStatus"].c_str())}};
  if (fact == last_) {
    return;
  }
  const bool initial = last_.is_null();
  last_ = fact;
  Now stamp = now();
  const std::int64_t changed = std::atoll(values["StateChangeTimestampMonotonic"].c_str());
  if (initial) {
    fact["initial"] = true;
  } else if (changed > 0 && changed < stamp.mono_us) {
    stamp = {stamp.wall_us - (stamp.mono_us - changed), changed};
  }
  take(stamped(std::move(fact), stamp));
}

void UnitWatch::poll(const Take& take) {
  const std::int64_t at = now().mono_us;
  if (child_ <= 0) {
    if (at >= next_at_) {
      ask(at);
    }
    return;
  }
  char buffer[4096];
  ssize_t got = -1;
  while (pipe_ >= 0 && (got = read(pipe_, buffer, sizeof buffer)) > 0) {
    text_.append(buffer, static_cast<std::size_t>(got));
  }
  if (pipe_ >= 0 && got == 0) {
    close(std::exchange(pipe_, -1));
    tell(take);
  }
  if (at - asked_at_ > kLimitUs || text_.size() > kMostText) {
    abandon();
  } else if (pipe_ < 0 && waitpid(child_, nullptr, WNOHANG) != 0) {
    child_ = -1;
  }
}

}  // namespace harness::guard
