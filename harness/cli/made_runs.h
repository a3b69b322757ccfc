// Run folders made up for tests: whole trials, put together from the samples of the checks, as the
// conductor would have left them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "harness/cli/cli_fixture.h"
#include "harness/event/log.h"
#include "harness/run/run_folder.h"

namespace harness::cli {

// The kill of kube-apiserver in the start-up hooks from which the samples were cut. What each of
// them kept is in its place again; the photographs of builds and nodes are another trial's.
inline std::vector<Json> sample_trial() {
  std::map<std::int64_t, Json> kept;
  std::vector<Json> photographs;
  const auto read = [](const std::string& name, const std::function<void(Json)>& take) {
    const std::string file = kSource + "/harness/check/samples/" + name + ".good.jsonl";
    EXPECT_TRUE(event::read_events(file, take)) << file;
  };
  for (const char* name : {"apiserver-recovers",
                           "etcd-recovers",
                           "healed",
                           "journal-clean",
                           "outage-in-budget",
                           "restarts-explained"}) {
    read(name, [&](const Json& event) { kept[json_int(event, "seq")] = event; });
  }
  for (const char* name : {"build-exact", "nodes-ready"}) {
    read(name, [&](const Json& event) {
      const std::string type = json_string(event, "type");
      if (type == "state.build" || type == "state.nodes") {
        photographs.push_back(event);
      }
    });
  }
  std::vector<Json> out;
  for (auto& [seq, event] : kept) {
    out.push_back(std::move(event));
  }
  out.insert(out.end() - 1, photographs.begin(), photographs.end());
  return out;
}

struct MadeCase {
  std::string name;
  int passed = 0;
  int failed = 0;
  int missed = 0;
  std::string expect = "pass";
  std::string fault = "kill-pod";
  std::int64_t longer_us = 0;  // each trial's window than the one's before
  bool stretched = false;
};

class MadeRuns : public Cli {
 protected:
  struct Made {
    bool finished = true;
    bool standin = false;
  };

  enum class End { pass, fail, miss };

  run::RunFolder ran(const std::vector<MadeCase>& cases, const Made& made) {
    const run::RunFolder folder = *run::RunFolder::create(results(), "made");
    Json plan = {{"cases", Json::array()}};
    std::string events;
    for (const MadeCase& one : cases) {
      plan["cases"].push_back({{"name", one.name},
                               {"hits", 1},
                               {"expect", one.expect},
                               {"issue", one.expect == "fail" ? "rancher/rke2#8269" : ""}});
      int trial = 0;
      for (const auto& [end, count] :
           {std::pair(End::pass, one.passed), {End::fail, one.failed}, {End::miss, one.missed}}) {
        for (int i = 0; i < count; ++i) {
          events += lines_of(one, ++trial, end, made.standin);
        }
      }
    }
    events +=
        made.finished ? "{\"type\":\"run.finished\",\"stopped\":\"\",\"exit_status\":0}\n" : "";
    const Json run = {{"tool", "hookshot 0"},
                      {"cluster", "lab"},
                      {"seed", 7},
                      {"started", "2026-01-01T00:00:00.000000Z"},
                      {"finished", made.finished ? "2026-01-01T01:00:00.000000Z" : ""}};
    EXPECT_TRUE(folder.write("run.json", run.dump()));
    EXPECT_TRUE(folder.write("plan.json", plan.dump()));
    EXPECT_TRUE(folder.write("events.jsonl", events));
    return folder;
  }

  run::RunFolder ran(const std::vector<MadeCase>& cases) { return ran(cases, {}); }

  std::string results() const { return (directory_ / "results").string(); }

 private:
  static std::size_t effect_in(const std::vector<Json>& events) {
    const auto found = std::find_if(
        events.begin(), events.end(), [](const Json& event) { return event.contains("effect"); });
    EXPECT_NE(found, events.end());
    return static_cast<std::size_t>(found - events.begin());
  }

  // The event as it would be had nothing been killed; false: it would not be.
  static bool undisturbed(Json& event, const std::string& type, const std::string& killed) {
    if (type == "container" || type == "manifest") {
      return false;
    }
    if ((type == "journal" || type == "unit") && json_string(event, "invocation") == killed) {
      return false;
    }
    if (event.contains("n_restarts")) {
      event["n_restarts"] = 0;
    }
    if (event.contains("job_result")) {
      event.update({{"ok", true}, {"job_result", "done"}, {"exit_status", 0}});
      event.erase("error");
    }
    return true;
  }

  static std::string lines_of(const MadeCase& one, int trial, End end, bool standin) {
    static const std::vector<Json> kSample = sample_trial();
    static const std::string kKilled = json_string(kSample[effect_in(kSample)], "invocation");
    std::string out;
    bool armed = false;
    for (Json event : kSample) {
      const std::string type = json_string(event, "type");
      armed = armed || type == "fault";
      if (one.fault == "none" && armed && !undisturbed(event, type, kKilled)) {
        continue;
      }
      event["case"] = one.name;
      event["trial"] = trial;
      if (type == "trial.started") {
        event["fault"] = one.fault;
        event["budget"]["apiserver_outage_us"] = end == End::fail ? 2'000'000 : 120'000'000;
      } else if (type == "state.build") {
        event["standin"] = standin;
      } else if (type == "state.nodes") {
        for (Json& node : event["nodes"]) {
          node["lease_renewed_us"] = INT64_C(4'000'000'000'000'000);
        }
      } else if (type == "fault") {
        if (one.stretched && event.contains("evidence")) {
          event["evidence"]["stretched"] = true;
        }
        if (event.contains("effect")) {
          out += windows_around(event, end, one.longer_us * (trial - 1));
        }
        if (one.fault == "none") {
          continue;
        }
      }
      out += event.dump() + "\n";
    }
    return out;
  }

  // The window that the fault was aimed at, a second long; of a miss it closed before the effect.
  static std::string windows_around(const Json& fault, End end, std::int64_t longer_us) {
    std::string out;
    const std::int64_t shift = end == End::miss ? -1'000'000 : 0;
    for (const auto& [op, after] :
         {std::pair("opened", std::int64_t{-500'000}), {"closed", 500'000 + longer_us}}) {
      const Json window = {{"type", "window"},
                           {"case", fault["case"]},
                           {"trial", fault["trial"]},
                           {"node", fault["node"]},
                           {"boot_id", fault["boot_id"]},
                           {"window", fault["window"]},
                           {"invocation", fault["invocation"]},
                           {"op", op},
                           {"cut", false},
                           {"wall_us", json_int(fault["effect"], "wall_us") + after + shift},
                           {"mono_us", json_int(fault["effect"], "mono_us") + after + shift}};
      out += window.dump() + "\n";
    }
    return out;
  }
};

}  // namespace harness::cli
