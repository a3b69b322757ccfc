#include "harness/base/time.h"
#include "harness/drift/render.h"

namespace harness::drift {
namespace {

Json to_json(const Invocation& one) {
  Json out = {{"invocation", one.id},
              {"boot_id", one.boot_id},
              {"unit", one.unit},
              {"build", one.build},
              {"commit", one.commit},
              {"pack", one.pack},
              {"best_pack", one.best_pack},
              {"started_at", one.started_wall_us == 0 ? "" : format_wall(one.started_wall_us)},
              {"lines", one.lines},
              {"ready", one.ready},
              {"whole", one.whole},
              {"strange_form", one.strange_form},
              {"without_text", one.without_text},
              {"gaps", one.gaps},
              {"last_words", one.last_words},
              {"drifts", one.drifts()},
              {"windows", Json::array()},
              {"missing", one.missing},
              {"undecided", one.undecided},
              {"not_visible", one.not_visible},
              {"unexplained", Json::array()},
              {"unexplained_more", one.unexplained_more},
              {"fits", Json::array()}};
  for (const WindowSeen& seen : one.windows) {
    out["windows"].push_back({{"window", seen.window},
                              {"spans", seen.spans},
                              {"closed", seen.closed},
                              {"may_stay_open", seen.may_stay_open},
                              {"length_us", seen.length_us},
                              {"lengths_us", seen.lengths_us},
                              {"opened_by", seen.opened_by},
                              {"closed_by", seen.closed_by}});
  }
  for (const Unexplained& line : one.unexplained) {
    out["unexplained"].push_back({{"window", line.window},
                                  {"level", line.level},
                                  {"text", line.text},
                                  {"count", line.count}});
  }
  for (const Fit& fit : one.fits) {
    out["fits"].push_back({{"line", fit.line}, {"seen", fit.seen}, {"wanted", fit.wanted}});
  }
  return out;
}

}  // namespace

Json to_json(const Source& source, const std::deque<Invocation>& invocations) {
  Json out = {
      {"source", source.what},
      {"entries", source.entries},
      {"unreadable", source.unreadable},
      {"without_text", source.without_text},
      {"invocation_count", source.invocations},
      {"not_shown", {{"invocations", source.unshown.count}, {"drifted", source.unshown.drifted}}},
      {"verdict", to_string(judge(source, invocations))},
      {"drifts", judge(source, invocations) == Verdict::differs},
      {"doubts", doubts(source, invocations)},
      {"invocations", Json::array()}};
  for (const Invocation& one : invocations) {
    out["invocations"].push_back(to_json(one));
  }
  return out;
}

}  // namespace harness::drift
