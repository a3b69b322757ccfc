#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/action_hog.h"
#include "harness/guard/nesting.h"
#include "harness/guard/protocol.h"
#include "harness/guard/signals.h"
#include "harness/guard/trigger.h"
#include "harness/guard/verbs.h"
#include "harness/guard/watch.h"

namespace {

using namespace harness;
using namespace harness::guard;

constexpr std::size_t kRecordLimit = 8U << 20U;

// One object, up to the end of input; verbs that stream get one line, as their input stays open.
Result<Json> read_record(bool one_line) {
  std::string text;
  char buffer[65536];
  ssize_t got = 0;
  while ((got = read(STDIN_FILENO, buffer, one_line ? 1 : sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kRecordLimit) {
      return fail(ErrorCode::invalid_input, "the record is larger than 8 MB");
    }
    if (one_line && text.back() == '\n') {
      break;
    }
  }
  TRY_ASSIGN(Json record, parse_json(text), "record");
  if (!record.is_object()) {
    return fail(ErrorCode::invalid_input, "the record must be a JSON object");
  }
  TRY(check_nesting(record), "record");
  return record;
}

using Verb = std::function<Status(Store&, const Json&)>;

// For those that need no store.
Verb stateless(Status (*verb)(const Json&)) {
  return [verb](Store&, const Json& record) { return verb(record); };
}

Status dispatch(Store& store, const std::string& name, const Json& record) {
  static const std::map<std::string_view, Verb> verbs = {
      {"facts", verb_facts},
      {"allow", stateless(verb_allow)},
      {"disallow", stateless(verb_disallow)},
      {"exec", stateless(verb_exec)},
      {"read", stateless(verb_read)},
      {"watch", run_watch},
      {"arm", verb_arm},
      {"heartbeat", verb_heartbeat},
      {"go", verb_go},
      {"moment", run_moment},
      {"status", verb_status},
      {"revert", verb_revert},
      {"heal", verb_heal},
      {"lease-acquire", verb_lease_acquire},
      {"lease-renew", verb_lease_renew},
      {"lease-release", verb_lease_release},
      {"clean", verb_clean},
      {"release", verb_release},
  };
  const auto found = verbs.find(name);
  return found != verbs.end() ? found->second(store, record)
                              : fail(ErrorCode::invalid_input, "unknown verb '" + name + "'");
}

int finish(std::string_view verb, const Status& status) {
  if (status) {
    emit({{"type", "done"}});
    return static_cast<int>(GuardExit::done);
  }
  const auto [code, exit_status] = [&]() -> std::pair<const char*, GuardExit> {
    switch (status.error().code()) {
      case ErrorCode::invalid_input:
        return {"invalid", GuardExit::invalid};
      case ErrorCode::refused:
        return {"refused", GuardExit::refused};
      case ErrorCode::internal:
        return {"internal", GuardExit::internal};
      case ErrorCode::not_supported:
        // What a command on the node lacks is a failure of that command.
        return {verb == "arm" ? "unsupported" : "failed", GuardExit::failed};
      default:
        return {"failed", GuardExit::failed};
    }
  }();
  emit({{"type", "error"}, {"code", code}, {"message", status.error().message()}});
  return static_cast<int>(exit_status);
}

}  // namespace

int main(int argc, char** argv) {
  umask(0077);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string verb = argc > 1 ? argv[1] : "";
  Store store;
  if (argc == 3 && verb == "trigger") {
    return run_trigger(store, argv[2]);
  }
  if (argc == 3 && verb == "expire") {
    return run_expire(store, argv[2]);
  }
  if (argc == 4 && verb == "hog") {
    return run_hog(argv[2], argv[3]);
  }
  if (argc == 2 && verb == "boot") {
    return run_boot(store);
  }
  if (argc != 2 || !known_verb(verb)) {
    return finish(
        verb,
        fail(ErrorCode::invalid_input, "usage: guard <verb>, with a record on standard input"));
  }
  const auto record = read_record(verb == "watch" || verb == "moment");
  return finish(verb, record ? dispatch(store, verb, *record) : Status(fail(record.error())));
}
