#include "harness/observe/probes.h"

#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "harness/base/eventually.h"

namespace harness::observe {
namespace {

// The lines of ?verbose that are not ok, or the first line of anything else.
std::string verbose_detail(const Answer& answer) {
  if (!answer.error.empty()) {
    return answer.error;
  }
  if (answer.outcome == Outcome::ok) {
    return "ok";
  }
  std::string detail;
  std::size_t at = 0;
  while (at < answer.body.size()) {
    std::size_t end = answer.body.find('\n', at);
    end = end == std::string::npos ? answer.body.size() : end;
    const std::string_view line(answer.body.data() + at, end - at);
    if (line.starts_with("[-]")) {
      detail += (detail.empty() ? "" : "; ") + std::string(line);
    }
    at = end + 1;
  }
  return detail.empty() ? answer.body.substr(0, 200) : detail;
}

std::string plain_detail(const Answer& answer) {
  if (!answer.error.empty()) {
    return answer.error;
  }
  return answer.outcome == Outcome::ok ? "ok" : answer.body.substr(0, 200);
}

// A member that answers without a leader is not ok. The revision is left out: it always changes.
std::string judge_status(Answer& answer) {
  if (answer.outcome != Outcome::ok) {
    return plain_detail(answer);
  }
  const auto body = parse_json(answer.body);
  if (!body) {
    answer.outcome = Outcome::not_ok;
    return "etcd status is not JSON";
  }
  const std::string leader = json_string(*body, "leader", "0");
  if (leader == "0" || body->contains("errors")) {
    answer.outcome = Outcome::not_ok;
  }
  return fmt::format("leader {} term {}{}{}",
                     leader,
                     json_string(*body, "raftTerm", "0"),
                     json_bool(*body, "isLearner") ? " learner" : "",
                     body->contains("errors") ? " errors " + (*body)["errors"].dump() : "");
}

struct Probe {
  const char* name;
  std::function<Answer(ControlPlane&, Deadline)> ask;
  std::function<std::string(Answer&)> detail;
};

std::vector<Probe> all_probes() {
  return {
      {"readyz",
       [](ControlPlane& server, Deadline deadline) {
         return server.apiserver("/readyz?verbose", deadline);
       },
       verbose_detail},
      {"livez",
       [](ControlPlane& server, Deadline deadline) {
         return server.apiserver("/livez?verbose", deadline);
       },
       verbose_detail},
      {"etcd-health",
       [](ControlPlane& server, Deadline deadline) { return server.etcd_health(deadline); },
       plain_detail},
      {"etcd-status",
       [](ControlPlane& server, Deadline deadline) {
         return server.etcd("/v3/maintenance/status", Json::object(), deadline);
       },
       judge_status},
  };
}

void run_probe(ControlPlane& server,
               const Probe& probe,
               const Probes::Options& options,
               const Sink& sink,
               const std::stop_token& stop) {
  std::string last_detail;
  auto slot = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    const std::int64_t asked_us = wall_now_us();
    Answer answer = probe.ask(server, Deadline::after(options.timeout));
    std::string detail = probe.detail(answer);
    Json event{{"type", "probe"},
               {"node", server.node().name()},
               {"probe", probe.name},
               {"outcome", to_string(answer.outcome)},
               {"status", answer.status},
               {"latency_us", answer.latency.count()},
               {"wall_us", asked_us}};
    if (detail != last_detail) {
      event["detail"] = detail;
      last_detail = std::move(detail);
    }
    sink(std::move(event));
    const auto now = std::chrono::steady_clock::now();
    slot = next_slot(slot, now, options.period);
    if (paced(slot - now, stop)) {
      return;
    }
  }
}

}  // namespace

SteadyTime next_slot(SteadyTime slot, SteadyTime now, std::chrono::milliseconds period) {
  const auto behind = now < slot ? SteadyTime::duration(0) : now - slot;
  return slot + (behind / period + 1) * period;
}

bool ProbeSight::blind() const {
  return outcome == Outcome::refused || outcome == Outcome::unreachable ||
         outcome == Outcome::wrong_process;
}

std::vector<ProbeSight> can_see(const Access& access, Deadline deadline) {
  std::vector<std::vector<ProbeSight>> by_server(access.servers().size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < by_server.size(); ++i) {
      threads.emplace_back([&server = *access.servers()[i], &sights = by_server[i], deadline] {
        for (const Probe& probe : all_probes()) {
          Answer answer = probe.ask(server, deadline.at_most(Probes::Options{}.timeout));
          std::string detail = probe.detail(answer);
          sights.push_back({server.node().name(), probe.name, answer.outcome, std::move(detail)});
        }
      });
    }
  }
  std::vector<ProbeSight> all;
  for (std::vector<ProbeSight>& sights : by_server) {
    std::move(sights.begin(), sights.end(), std::back_inserter(all));
  }
  return all;
}

Probes::Probes(const Access& access, Options options, const Sink& sink) {
  for (const auto& server : access.servers()) {
    for (Probe& probe : all_probes()) {
      threads_.emplace_back(
          [plane = server.get(), probe = std::move(probe), options, sink](
              const std::stop_token& stop) { run_probe(*plane, probe, options, sink, stop); });
    }
  }
}

Probes::~Probes() {
  stop();
}

void Probes::stop() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

}  // namespace harness::observe
