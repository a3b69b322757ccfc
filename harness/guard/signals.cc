#include "harness/guard/signals.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace harness::guard {
namespace {

// A look in between, should the kernel have told nothing.
constexpr int kLookMs = 100;

std::string path_of(const std::string& run, Signal signal, const std::string& id) {
  return fmt::format("{}/{}-{}", run, signal == Signal::go ? "go" : "moment", id);
}

// False when standard input has ended.
bool wait(int news) {
  pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {news, POLLIN, 0}};
  if (::poll(watched, 2, kLookMs) <= 0) {
    return true;
  }
  char ignored[4096];
  if (watched[1].revents != 0) {
    static_cast<void>(read(news, ignored, sizeof ignored));
  }
  return watched[0].revents == 0 || read(STDIN_FILENO, ignored, sizeof ignored) > 0;
}

}  // namespace

Status raise(const std::string& run, Signal signal, const std::string& id) {
  return write_whole(path_of(run, signal, id), text_of(to_json(now())), Sync::later);
}

bool raised(const std::string& run, Signal signal, const std::string& id) {
  return access(path_of(run, signal, id).c_str(), F_OK) == 0;
}

void forget_signals(const std::string& run, const std::string& id) {
  unlink(path_of(run, Signal::go, id).c_str());
  unlink(path_of(run, Signal::moment, id).c_str());
}

Status verb_go(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "go");
  const std::string id = json_string(record, "id");
  TRY(check_id("id", id), "go");
  TRY_ASSIGN(const RecordState state, store.load(id), "go");
  if (!state.record.trigger.go || state.state() != "ARMED") {
    return fail(ErrorCode::refused,
                fmt::format("go: {} is {} and {}",
                            id,
                            state.state(),
                            state.record.trigger.go ? "fires once" : "waits for no word"));
  }
  TRY(raise(store.places().run, Signal::go, id), "go");
  Json said = to_json(now());
  said.update({{"type", "go"}, {"id", id}});
  emit(said);
  return {};
}

Status run_moment(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "moment");
  const std::string id = json_string(record, "id");
  TRY(check_id("id", id), "moment");
  const std::string& run = store.places().run;
  const int news = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  inotify_add_watch(news, run.c_str(), IN_MOVED_TO | IN_CREATE);
  bool open = emit({{"type", "waiting"}, {"id", id}});
  while (open && !raised(run, Signal::moment, id)) {
    open = wait(news);
  }
  close(news);
  if (!open) {
    return {};
  }
  TRY_ASSIGN(const std::string text, read_whole(path_of(run, Signal::moment, id), 4096), "moment");
  TRY_ASSIGN(Json moment, parse_json(text), "moment");
  moment.update({{"type", "moment"}, {"id", id}});
  emit(moment);
  return {};
}

}  // namespace harness::guard
