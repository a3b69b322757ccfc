#include "harness/bench/aim.h"

#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "harness/bench/lines.h"
#include "harness/bench/node_side.h"
#include "harness/bench/trigger_record.h"

namespace harness::bench {
namespace {

constexpr std::chrono::seconds kStepLimit{30};
constexpr std::chrono::seconds kProbeLimit{10};
constexpr std::chrono::seconds kTrialLimit{3};
// From the leading line to the marker. journald tells readers of news 250 ms after the first line
// that it has not told of, so half of the markers share the leading line's notice.
constexpr std::int64_t kLongestDelayUs = 500'000;
// Of a planned offset from the marker.
constexpr std::int64_t kShortestOffsetUs = 20'000;
constexpr std::int64_t kLongestOffsetUs = 500'000;

// What one trial is asked to do.
struct Turn {
  int number = 0;
  std::int64_t delay_us = 0;
  std::int64_t offset_us = 0;  // of the planned ways
  std::int64_t victim = 0;
};

Deadline step() {
  return Deadline::after(kStepLimit);
}

Json begin(const Turn& turn) {
  return {{"op", "begin"}, {"trial", turn.number}};
}

Json go(const Turn& turn) {
  return {{"op", "go"},
          {"delay_us", turn.delay_us},
          {"limit_ms", std::chrono::milliseconds(kTrialLimit).count()}};
}

Trial trial_from(const Json& seen) {
  return {.written_us = json_int(seen, "written_us"),
          .marker_us = json_int(seen, "marker_us"),
          .action_us = json_int(seen, "action_us"),
          .effect_us = json_int(seen, "effect_us"),
          .lost = json_bool(seen, "died")
                      ? ""
                      : fmt::format("the victim outlived {} s", kTrialLimit.count())};
}

Result<Trial> with_armed(const Bench& bench, const std::string& id, const Turn& turn) {
  TRY(bench.side.ask(begin(turn), step()), "begin");
  TRY_ASSIGN(const Json seen, bench.side.ask(go(turn), step()), "go");
  Trial trial = trial_from(seen);
  TRY_ASSIGN(const Json ended, ended_record(bench, id), "record");
  if (json_string(ended, "outcome") != "applied") {
    trial.lost = json_string(ended, "reason");
    return trial;
  }
  const Json evidence = ended.value("evidence", Json::object());
  const std::int64_t opened = json_int(ended.value("opened", Json::object()), "mono_us");
  if (json_int(evidence, "pid") != turn.victim || opened != trial.marker_us) {
    trial.lost = fmt::format(
        "the guard opened at {} us and not at the marker's {} us, or killed "
        "another process than the victim {}: {}",
        opened,
        trial.marker_us,
        turn.victim,
        json_string(evidence, "summary"));
  }
  trial.seen_us = json_int(ended.value("seen", Json::object()), "mono_us");
  trial.action_us = json_int(ended.value("begun", Json::object()), "mono_us");
  return trial;
}

Result<Trial> by_guard(const Bench& bench, Way way, const Turn& turn) {
  const std::string id = fmt::format("{}-{}", bench.run, turn.number);
  const std::int64_t offset_us = is_planned(way) ? turn.offset_us : 0;
  TRY(arm(bench,
          {.id = id,
           .unit = std::string(kUnit),
           .message = message_of("marker", bench.run, turn.number),
           .action = {{"do", "kill"},
                      {"pod", kPod},
                      {"how", way == Way::guard_planned_task ? "task" : "process"}},
           .offset_us = offset_us}),
      "guard");
  auto trial = with_armed(bench, id, turn);
  TRY(revert(bench, id), "guard");
  if (trial && is_planned(way)) {
    trial->offset_us = offset_us;
  }
  return trial;
}

Result<Trial> by_loop(const Bench& bench, const Turn& turn) {
  TRY(bench.side.ask(begin(turn), step()), "begin");
  TRY(bench.side.ask({{"op", "loop"}}, step()), "loop");
  TRY_ASSIGN(const Json seen, bench.side.ask(go(turn), step()), "go");
  return trial_from(seen);
}

// Reads until a line with this text; remote_failed, with the last line, when the time is over
// first.
Status hear(ssh::LineChannel& lines, const std::string& text, Deadline deadline) {
  std::string last = "nothing";
  while (true) {
    TRY_ASSIGN(const std::optional<std::string> line, lines.next_line(deadline), "journalctl");
    if (!line) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("\"{}\" did not come over SSH in time; the last was {}", text, last));
    }
    if (line->find(text) != std::string::npos) {
      return {};
    }
    last = *line;
  }
}

Result<Trial> by_ssh(const Bench& bench, const Turn& turn) {
  const std::string follow = fmt::format("{}journalctl -f -n 1 -o cat -u {}", bench.sudo, kUnit);
  const std::string strike = fmt::format("{}{} strike", bench.sudo, kProgram);
  const std::string victim = std::to_string(turn.victim);
  TRY(bench.side.ask(begin(turn), step()), "begin");
  TRY_ASSIGN(const auto lines, bench.session.start(follow, "", step()), "follow");
  // History; with it, journalctl stands at the end of the journal and follows.
  TRY(hear(*lines, "", Deadline::after(kProbeLimit)), "follow");
  TRY(bench.side.ask({{"op", "probe"}}, step()), "probe");
  TRY(hear(*lines, message_of("probe", bench.run, turn.number), Deadline::after(kProbeLimit)),
      "probe");
  TRY(bench.side.send(go(turn), step()), "go");
  TRY(hear(*lines,
           message_of("marker", bench.run, turn.number),
           Deadline::after(Microseconds(turn.delay_us) + kTrialLimit)),
      "follow");
  TRY_ASSIGN(const auto struck, bench.session.run(strike, victim, step()), "kill");
  TRY_ASSIGN(const Json seen, bench.side.receive(step()), "go");
  Trial trial = trial_from(seen);
  trial.action_us = std::atoll(struck.out.c_str());
  if (!struck.ok()) {
    trial.lost = fmt::format("kill over SSH: exit {}: {}", struck.exit_status, struck.err);
  }
  return trial;
}

// What went wrong in this trial alone is a loss; what the next one would meet too is an error.
bool is_loss(const Error& error) {
  return error.code() == ErrorCode::timed_out || error.code() == ErrorCode::remote_failed;
}

Json victim_for(const Bench& bench, Way way) {
  return way == Way::guard_planned_task
             ? Json{{"op", "container"}, {"data_dir", bench.node.data_dir()}}
             : Json{{"op", "victim"}};
}

Result<Trial> with_victim(const Bench& bench, Way way, const Turn& turn) {
  return way == Way::journalctl ? by_loop(bench, turn)
         : way == Way::ssh      ? by_ssh(bench, turn)
                                : by_guard(bench, way, turn);
}

Result<Trial> one(const Bench& bench, Way way, Turn turn) {
  const auto victim = bench.side.ask(victim_for(bench, way), step());
  if (!victim && (way != Way::guard_planned_task || !is_loss(victim.error()))) {
    return fail(Error(victim.error()).prepend("victim"));
  }
  turn.victim = victim ? json_int(*victim, "pid") : 0;
  auto trial = victim ? with_victim(bench, way, turn) : Result<Trial>(fail(victim.error()));
  if (!trial && is_loss(trial.error())) {
    trial = Trial{.lost = trial.error().message()};
  }
  TRY(trial, "");
  TRY(bench.side.ask({{"op", "end"}}, step()), "end");
  return trial;
}

}  // namespace

void Measured::add(const Trial& trial) {
  std::string why = trial.lost;
  if (why.empty() && !(trial.written_us <= trial.action_us && 0 < trial.marker_us &&
                       trial.marker_us <= trial.action_us && trial.action_us <= trial.effect_us)) {
    why = fmt::format(
        "its stamps do not follow one another: written {}, marker {}, action {}, "
        "effect {} us",
        trial.written_us,
        trial.marker_us,
        trial.action_us,
        trial.effect_us);
  }
  if (!why.empty()) {
    ++lost;
    last_loss = std::move(why);
    return;
  }
  if (trial.offset_us) {
    const std::int64_t planned_us = trial.marker_us + *trial.offset_us;
    planned_to_action.add(trial.action_us - planned_us);
    planned_to_effect.add(trial.effect_us - planned_us);
    return;
  }
  written_to_action.add(trial.action_us - trial.written_us);
  marker_to_action.add(trial.action_us - trial.marker_us);
  action_to_effect.add(trial.effect_us - trial.action_us);
  marker_to_effect.add(trial.effect_us - trial.marker_us);
  if (trial.seen_us != 0) {
    marker_to_seen.add(trial.seen_us - trial.marker_us);
    seen_to_action.add(trial.action_us - trial.seen_us);
  }
  within_short_window += trial.effect_us - trial.marker_us <= kShortWindowUs ? 1 : 0;
}

double Measured::short_window_percent() const {
  const auto all = static_cast<double>(marker_to_action.size()) + lost;
  return all > 0 ? 100 * within_short_window / all : 0;
}

Result<MeasuredWays> measure_aim(const Bench& bench,
                                 int trials,
                                 const Seed& seed,
                                 const std::function<void(int)>& progress) {
  constexpr int kAll = static_cast<int>(kWays.size());
  MeasuredWays out;
  auto random = seed.stream("delay");
  std::uniform_int_distribution<std::int64_t> delay(0, kLongestDelayUs);
  auto random_offset = seed.stream("offset");
  std::uniform_int_distribution<std::int64_t> offset(kShortestOffsetUs, kLongestOffsetUs);
  for (int round = 0; round < trials; ++round) {
    const std::int64_t delay_us = delay(random);
    const std::int64_t offset_us = offset(random_offset);
    for (int turn = 0; turn < kAll; ++turn) {
      const int way = (round + turn) % kAll;
      const int number = round * kAll + turn + 1;
      TRY_ASSIGN(const Trial trial,
                 one(bench,
                     static_cast<Way>(way),
                     {.number = number, .delay_us = delay_us, .offset_us = offset_us}),
                 fmt::format("trial {} ({}) on {}", number, kWays[way], bench.node.name()));
      out[way].add(trial);
    }
    progress(round + 1);
  }
  return out;
}

}  // namespace harness::bench
