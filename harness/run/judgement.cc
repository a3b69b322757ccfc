#include "harness/run/judgement.h"

#include <fmt/format.h>

#include "harness/event/event.h"
#include "harness/event/slices.h"

namespace harness::run {
namespace {

// What the events tell of the run; those of its trials stay in the file.
struct Told {
  std::vector<std::string> dirty;
  bool finished = false;
  bool standin = false;
  std::string last_case;  // the one that a run which did not reach its end was in
  std::string stopped;
  int exit_status = 0;

  bool whole() const { return finished && stopped.empty(); }

  std::string why_not_whole() const { return finished ? stopped : "the run was cut off"; }

  void note(const Json& event) {
    const std::string type = json_string(event, "type");
    if (type == event::type::kBuild) {
      standin = standin || json_bool(event, "standin");
    } else if (type == "node.dirty") {
      dirty.push_back(json_string(event, "reason"));
    } else if (type == "run.finished") {
      finished = true;
      stopped = json_string(event, "stopped");
      exit_status = static_cast<int>(json_int(event, "exit_status"));
    }
    if (std::string name = json_string(event, "case"); !name.empty()) {
      last_case = std::move(name);
    }
  }
};

// Holds the events of one trial at a time.
Result<check::CaseVerdict> fold(const Json& planned, const event::EventFile& file) {
  std::vector<check::TrialVerdict> verdicts;
  const std::string name = json_string(planned, "name");
  for (const int trial : file.trials_of(name)) {
    TRY_ASSIGN(const std::vector<Json> events, file.read(name, trial), "events");
    verdicts.push_back(check::judge_trial(check::gather(events)));
  }
  return check::fold(check::Planned::from_json(planned), std::move(verdicts));
}

// A case that a run did not reach, or was in when it ended, could not be proved.
void blame_the_end(check::CaseVerdict& verdict, const Told& told) {
  const bool cut_short =
      verdict.name == told.last_case && verdict.verdict == check::Verdict::unproven;
  if (verdict.trials.empty() || cut_short) {
    verdict.outcome = check::Verdict::error;
    verdict.verdict = check::Verdict::error;
    verdict.reason =
        fmt::format("{}: {}", cut_short ? "cut short" : "not run", told.why_not_whole());
  }
}

Result<std::string> html_of(const RunFolder& folder, const report::Model& model) {
  TRY_ASSIGN(const event::EventFile file, event::EventFile::open(folder.events()), "");
  Status readable;
  const auto events = [&](const std::string& name, int trial) {
    auto of_trial = file.read(name, trial);
    if (!of_trial) {
      readable = fail(of_trial.error(), "events");
    }
    return std::move(of_trial).value_or(std::vector<Json>());
  };
  std::string html = report::to_html(model, events);
  TRY(readable, "");
  return html;
}

}  // namespace

Result<report::Model> judge(const RunFolder& folder) {
  TRY_ASSIGN(const Json run, folder.read("run.json"), "judge");
  TRY_ASSIGN(const Json plan, folder.read("plan.json"), "judge");
  Told told;
  TRY_ASSIGN(const event::EventFile file,
             event::EventFile::open(folder.events(), [&](const Json& event) { told.note(event); }),
             "judge");
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
  model.dirty = told.dirty;
  model.standin = told.standin;
  model.stopped_status = told.exit_status;
  for (const Json& planned : plan.value("cases", Json::array())) {
    TRY_ASSIGN(check::CaseVerdict verdict, fold(planned, file), "judge");
    if (!told.whole()) {
      blame_the_end(verdict, told);
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
    TRY_ASSIGN(const std::string html, html_of(folder, model), "report");
    TRY(folder.write("report.html", html), "report");
  }
  return {};
}

}  // namespace harness::run
