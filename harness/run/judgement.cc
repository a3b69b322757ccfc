#include "harness/run/judgement.h"

#include <fmt/format.h>

#include "harness/event/event.h"
#include "harness/event/log.h"

namespace harness::run {
namespace {

struct Trials {
  EventsOfTrials events;
  std::vector<std::string> dirty;
  bool finished = false;
  bool standin = false;
  std::string last_case;  // the one that a run which did not reach its end was in
  std::string stopped;
  int exit_status = 0;

  bool whole() const { return finished && stopped.empty(); }

  std::string why_not_whole() const { return finished ? stopped : "the run was cut off"; }
};

void note_run(Trials& trials, const Json& event) {
  const std::string type = json_string(event, "type");
  if (type == event::type::kBuild) {
    trials.standin = trials.standin || json_bool(event, "standin");
  } else if (type == "node.dirty") {
    trials.dirty.push_back(json_string(event, "reason"));
  } else if (type == "run.finished") {
    trials.finished = true;
    trials.stopped = json_string(event, "stopped");
    trials.exit_status = static_cast<int>(json_int(event, "exit_status"));
  }
}

Result<Trials> read_trials(const RunFolder& folder) {
  Trials out;
  TRY_ASSIGN(const event::ReadReport report,
             event::read_events(folder.events(),
                                [&](Json event) {
                                  const std::string name = json_string(event, "case");
                                  const auto trial = static_cast<int>(json_int(event, "trial"));
                                  note_run(out, event);
                                  if (!name.empty()) {
                                    out.last_case = name;
                                    out.events[name][trial].push_back(std::move(event));
                                  }
                                }),
             "events");
  static_cast<void>(report);
  return out;
}

check::CaseVerdict fold(const Json& planned, const Trials& trials) {
  std::vector<check::TrialVerdict> verdicts;
  const std::string name = json_string(planned, "name");
  if (const auto found = trials.events.find(name); found != trials.events.end()) {
    for (const auto& [number, events] : found->second) {
      verdicts.push_back(check::judge_trial(check::gather(events)));
    }
  }
  return check::fold(check::Planned::from_json(planned), std::move(verdicts));
}

// A case that a run did not reach, or was in when it ended, could not be proved.
void blame_the_end(check::CaseVerdict& verdict, const Trials& trials) {
  const bool cut_short =
      verdict.name == trials.last_case && verdict.verdict == check::Verdict::unproven;
  if (verdict.trials.empty() || cut_short) {
    verdict.outcome = check::Verdict::error;
    verdict.verdict = check::Verdict::error;
    verdict.reason =
        fmt::format("{}: {}", cut_short ? "cut short" : "not run", trials.why_not_whole());
  }
}

}  // namespace

Result<EventsOfTrials> events_of_type(const RunFolder& folder, std::string_view type) {
  EventsOfTrials out;
  TRY(event::read_events(
          folder.events(),
          [&](Json event) {
            if (json_string(event, "type") == type) {
              out[json_string(event, "case")][static_cast<int>(json_int(event, "trial"))].push_back(
                  std::move(event));
            }
          }),
      folder.name());
  return out;
}

Result<report::Model> judge(const RunFolder& folder) {
  TRY_ASSIGN(const Json run, folder.read("run.json"), "judge");
  TRY_ASSIGN(const Json plan, folder.read("plan.json"), "judge");
  TRY_ASSIGN(const Trials trials, read_trials(folder), "judge");
  report::Model model{.run = folder.name(),
                      .tool = json_string(run, "tool"),
                      .seed = static_cast<std::uint64_t>(json_int(run, "seed")),
                      .inventory = json_string(run, "inventory"),
                      .cluster = json_string(run, "cluster"),
                      .inventory_path = json_string(run, "inventory_path"),
                      .started = json_string(run, "started"),
                      .finished = json_string(run, "finished")};
  std::error_code unknown;  // then the path stays empty
  model.folder = std::filesystem::weakly_canonical(folder.path(), unknown).string();
  model.suites = RunFolder::words(run, "suites");
  model.again = RunFolder::words(run, "again");
  model.dirty = trials.dirty;
  model.standin = trials.standin;
  model.stopped_status = trials.exit_status;
  for (const Json& planned : plan.value("cases", Json::array())) {
    check::CaseVerdict verdict = fold(planned, trials);
    if (!trials.whole()) {
      blame_the_end(verdict, trials);
    }
    model.cases.push_back(std::move(verdict));
  }
  model.planned = report::planned_cells(plan, model.cases);
  return model;
}

int exit_status(const report::Model& model) {
  return model.stopped_status != 0 ? model.stopped_status
                                   : check::exit_status(model.cases, !model.dirty.empty());
}

Status write_reports(const RunFolder& folder, const report::Model& model, const Formats& formats) {
  if (formats.json) {
    TRY(folder.write("verdict.json", report::to_verdict_json(model)), "report");
  }
  if (formats.junit) {
    TRY(folder.write("junit.xml", report::to_junit(model)), "report");
  }
  if (formats.markdown) {
    TRY(folder.write("report.md", report::to_markdown(model)), "report");
  }
  if (formats.html) {
    TRY_ASSIGN(const Trials trials, read_trials(folder), "report");
    const auto events = [&](const std::string& name, int trial) -> std::vector<Json> {
      const auto found = trials.events.find(name);
      if (found == trials.events.end() || !found->second.contains(trial)) {
        return {};
      }
      return found->second.at(trial);
    };
    TRY(folder.write("report.html", report::to_html(model, events)), "report");
  }
  return {};
}

}  // namespace harness::run
