#include "harness/observe/back_off.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/observe/ask.h"

namespace harness::observe {
namespace {

constexpr std::string_view kBackOff = "back-off ";
constexpr std::string_view kRestarting = " restarting failed container=";
constexpr std::string_view kPod = " pod=";
constexpr std::size_t kLongestLine = 32u << 10;

std::string_view until(std::string_view text, std::string_view ends) {
  return text.substr(0, text.find_first_of(ends));
}

// klog's head is `E1124 14:50:35.123456    1234 pod_workers.go:1301]`; the third word is kubelet's
// pid. Empty for a line of another shape.
std::string pid_of(std::string_view line) {
  std::size_t at = 0;
  for (int word = 0; word < 2; ++word) {
    at = line.find(' ', at);
    at = at == std::string_view::npos ? at : line.find_first_not_of(' ', at);
    if (at == std::string_view::npos) {
      return {};
    }
  }
  const std::string_view pid = until(line.substr(at), " ");
  return pid.find_first_not_of("0123456789") == std::string_view::npos ? std::string(pid)
                                                                       : std::string();
}

void follow(cluster::Node& node,
            const BackOffs::Options& options,
            const Sink& sink,
            const std::stop_token& stop) {
  BackOffLog log(node);
  do {
    if (auto events = log.read(Deadline::after(options.timeout))) {
      for (Json& one : *events) {
        sink(std::move(one));
      }
    }
  } while (!paced(options.period, stop));
}

}  // namespace

std::int64_t back_off_us(std::string_view message) {
  const std::size_t at = message.find(kBackOff);
  if (at == std::string_view::npos) {
    return 0;
  }
  std::int64_t total = 0;
  std::int64_t value = 0;
  for (const char c : message.substr(at + kBackOff.size())) {
    if (c >= '0' && c <= '9' && value < 1'000'000) {
      value = value * 10 + (c - '0');
    } else if (c == 'm') {
      total += value * 60'000'000;
      value = 0;
    } else if (c == 's') {
      return total + value * 1'000'000;
    } else {
      return 0;
    }
  }
  return 0;
}

std::optional<BackOff> parse_back_off(std::string_view line) {
  const std::size_t restarting = line.find(kRestarting);
  const std::size_t begin = line.rfind(kBackOff, restarting);
  if (restarting == std::string_view::npos || begin == std::string_view::npos) {
    return std::nullopt;
  }
  BackOff found;
  found.us = back_off_us(line.substr(begin));
  std::string_view rest = line.substr(restarting + kRestarting.size());
  found.container = until(rest, " \"\\");
  rest.remove_prefix(found.container.size());
  if (found.us == 0 || !rest.starts_with(kPod)) {
    return std::nullopt;
  }
  const std::string_view pod = until(rest.substr(kPod.size()), " \"\\");
  found.pod = until(pod, "_");
  if (const std::size_t open = pod.find('('); open != std::string_view::npos) {
    found.uid = until(pod.substr(open + 1), ")");
  }
  return found;
}

Json BackOffLog::event_of(const BackOff& found, std::string_view line) const {
  return {{"type", "back-off"},
          {"node", node_.name()},
          {"pod", found.pod},
          {"container", found.container},
          {"uid", found.uid},
          {"seconds", found.us / 1'000'000},
          {"line", line},
          {"wall_us", wall_now_us()}};
}

void BackOffLog::take(std::string_view text, std::vector<Json>& events) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (const auto found = parse_back_off(line)) {
      std::string said = fmt::format("{} by {}", found->us, pid_of(line));
      std::string& last = last_[found->pod + "/" + found->uid + "/" + found->container];
      if (last != said) {
        last = std::move(said);
        events.push_back(event_of(*found, line));
      }
    }
    at = end + 1;
  }
}

Result<std::vector<Json>> BackOffLog::read(Deadline deadline) {
  const std::string path = node_.data_dir() + "/agent/logs/kubelet.log";
  TRY_ASSIGN(const std::string said,
             output_of(node_, {"stat", "--format=%s", path}, deadline),
             "ask for the size of kubelet's log");
  std::int64_t size = 0;
  std::from_chars(said.data(), said.data() + said.size(), size);
  std::vector<Json> events;
  if (!offset_) {
    offset_ = size;
  }
  if (size < *offset_) {
    offset_ = 0;  // kubelet has begun a new file
  }
  if (size == *offset_) {
    return events;
  }
  TRY_ASSIGN(const std::string text,
             output_of(node_, {"tail", fmt::format("--bytes=+{}", *offset_ + 1), path}, deadline),
             "read kubelet's log");
  // A line that is not finished is read again; so is what the runner did not keep.
  const std::size_t whole = text.rfind('\n');
  if (whole != std::string::npos) {
    take(std::string_view(text).substr(0, whole), events);
    *offset_ += static_cast<std::int64_t>(whole) + 1;
  } else if (text.size() > kLongestLine) {
    *offset_ += static_cast<std::int64_t>(text.size());
  }
  return events;
}

BackOffs::BackOffs(const Access& access, Options options, const Sink& sink) {
  for (cluster::Node* node : access.nodes()) {
    threads_.emplace_back(
        [node, options, sink](const std::stop_token& stop) { follow(*node, options, sink, stop); });
  }
}

BackOffs::~BackOffs() {
  stop();
}

void BackOffs::stop() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

}  // namespace harness::observe
