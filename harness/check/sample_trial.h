// A trial for tests: one server, upgraded and well. Tests add what went wrong, or take facts away.
// Times are seconds since the trial began; the node's clocks are the controller's.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/time.h"
#include "harness/check/facts.h"

namespace harness::check {

class SampleTrial {
 public:
  static constexpr std::int64_t kStart = 1'750'000'000'000'000;
  static constexpr const char* kOld = "0000";
  static constexpr const char* kNew = "1111";

  explicit SampleTrial(const std::string& fault = "none", const std::string& pod = "")
      : fault_(fault) {
    Json params = Json::object();
    if (!pod.empty()) {
      params["pod"] = pod;
    }
    add(0,
        {{"type", "trial.started"},
         {"case", "s/c"},
         {"trial", 1},
         {"path", {"v1.30.12+rke2r1", "v1.30.13-rc2+rke2r1"}},
         {"fault", fault},
         {"params", params},
         {"window", fault == "none" ? "" : "start-up-hooks"},
         {"offset", "0s"},
         {"offset_us", 0},
         {"anchor",
          {{"marker_of", "start-up-hooks"}, {"open", {{{"log", "Kube API server is *"}}}}}},
         {"target", "cp-1"},
         {"budget", {{"apiserver_outage_us", 120'000'000}, {"recovery_us", 300'000'000}}}});
    fact(1, {{"type", "node.facts"}, {"clock_offset_us", 0}});
    fact(1, {{"type", "state.unit"}, {"phase", "before"}, {"invocation", kOld}});
    container(1, "started", "kube-proxy", "p1", "proxy");
    step(2, 3, "arm", "");
    start(11, kNew);
  }

  void add(double at, Json event) {
    event["at"] = format_wall(us(at));
    events.push_back(std::move(event));
  }

  void fact(double at, Json event) {
    event["node"] = "cp-1";
    event["wall_us"] = us(at);
    event["mono_us"] = mono(at);
    event.emplace("boot_id", "b1");
    add(at, std::move(event));
  }

  void step(double from, double to, const char* name, const char* node, const Json& more = {}) {
    add(from, {{"type", "step.started"}, {"step", name}, {"node", node}});
    Json done = {{"type", "step.finished"}, {"step", name}, {"node", node}, {"ok", true}};
    if (more.is_object()) {
      done.update(more);
    }
    add(to, std::move(done));
  }

  void restart(const Json& more = {{"job_result", "done"}, {"exit_status", 0}}) {
    step(10, 30, "restart", "cp-1", more);
  }

  void line(double at, const std::string& invocation, const std::string& text, const char* boot) {
    fact(at,
         {{"type", "journal"},
          {"ident", "rke2"},
          {"invocation", invocation},
          {"boot_id", boot},
          {"line", text}});
  }

  void log(double at,
           const std::string& invocation,
           const std::string& msg,
           const std::string& level = "info",
           const char* boot = "b1") {
    line(at, invocation, "time=\"t\" level=" + level + " msg=\"" + msg + "\"", boot);
  }

  void systemd(double at, const std::string& invocation, const std::string& text) {
    fact(at,
         {{"type", "journal"}, {"ident", "systemd"}, {"invocation", invocation}, {"line", text}});
  }

  // The lines of a start that keeps the order; hooks from +8 s on.
  void start(double at, const std::string& invocation, const char* boot = "b1") {
    log(at, invocation, "Starting rke2 v1.30.13-rc2+rke2r1 (1b9b)", "info", boot);
    log(at + 1, invocation, "Running kube-apiserver --a", "info", boot);
    log(at + 6, invocation, "Pod for etcd is synced", "info", boot);
    log(at + 7, invocation, "Pod for kube-apiserver is synced", "info", boot);
    log(at + 8, invocation, "Kube API server is now running", "info", boot);
  }

  void died(double at, const std::string& invocation, const std::string& words) {
    log(at, invocation, words, "fatal");
    systemd(at, invocation, "rke2-server.service: Main process exited, code=exited, status=1");
  }

  void window(double at, const char* op, const std::string& invocation, bool cut = false) {
    fact(at,
         {{"type", "window"},
          {"window", "start-up-hooks"},
          {"op", op},
          {"invocation", invocation},
          {"cut", cut}});
  }

  // The fault's record at its end.
  void record(double effect, const std::string& invocation, const Json& more = Json::object()) {
    Json event = {{"type", "fault"},
                  {"fault", fault_},
                  {"state", "VERIFIED"},
                  {"outcome", "applied"},
                  {"invocation", invocation},
                  {"opened", moment(effect - 0.2)},
                  {"seen", moment(effect - 0.199)},
                  {"begun", moment(effect - 0.1)},
                  {"effect", moment(effect)},
                  {"evidence", {{"summary", "it was hurt"}, {"container", "killed"}}}};
    event.update(more);
    fact(40, std::move(event));
  }

  void container(double at, const char* op, const char* pod, const char* id, const char* uid) {
    fact(at,
         {{"type", "container"},
          {"op", op},
          {"kind", "container"},
          {"pod", pod},
          {"id", id},
          {"pod_uid", uid}});
  }

  // Answers from `from` to `to`, ten a second.
  void probes(double from, double to, const char* probe, const char* outcome) {
    for (double at = from; at < to - 0.01; at += 0.1) {
      add(at,
          {{"type", "probe"},
           {"node", "cp-1"},
           {"probe", probe},
           {"outcome", outcome},
           {"detail", std::string("says ") + outcome},
           {"wall_us", us(at)}});
    }
  }

  void after(Json state) {
    state["phase"] = "after";
    fact(50, std::move(state));
  }

  void finish(bool complete = true) {
    add(60, {{"type", "trial.finished"}, {"complete", complete}, {"reason", "the end"}});
  }

  TrialFacts facts() const { return gather(events); }

  static std::int64_t us(double at) { return kStart + static_cast<std::int64_t>(at * 1e6); }

  static std::int64_t mono(double at) { return static_cast<std::int64_t>(at * 1e6) + 1; }

  static Json moment(double at) { return {{"wall_us", us(at)}, {"mono_us", mono(at)}}; }

  std::vector<Json> events;

 private:
  std::string fault_;
};

}  // namespace harness::check
