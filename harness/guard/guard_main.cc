#include <csignal>
#include <cstdio>
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

Status dispatch(Store& store, const std::string& verb, const Json& record) {
  if (verb == "facts")
    return verb_facts(store, record);
  if (verb == "allow")
    return verb_allow(record);
  if (verb == "disallow")
    return verb_disallow(record);
  if (verb == "exec")
    return verb_exec(record);
  if (verb == "read")
    return verb_read(record);
  if (verb == "watch")
    return run_watch(store, record);
  if (verb == "arm")
    return verb_arm(store, record);
  if (verb == "heartbeat")
    return verb_heartbeat(store, record);
  if (verb == "go")
    return verb_go(store, record);
  if (verb == "moment")
    return run_moment(store, record);
  if (verb == "status")
    return verb_status(store, record);
  if (verb == "revert")
    return verb_revert(store, record);
  if (verb == "heal")
    return verb_heal(store, record);
  if (verb == "lease-acquire")
    return verb_lease_acquire(store, record);
  if (verb == "lease-renew")
    return verb_lease_renew(store, record);
  if (verb == "lease-release")
    return verb_lease_release(store, record);
  if (verb == "clean")
    return verb_clean(store, record);
  if (verb == "release")
    return verb_release(store, record);
  return fail(ErrorCode::invalid_input, "unknown verb '" + verb + "'");
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
  if (argc == 3 && verb == "trigger")
    return run_trigger(store, argv[2]);
  if (argc == 3 && verb == "expire")
    return run_expire(store, argv[2]);
  if (argc == 4 && verb == "hog")
    return run_hog(argv[2], argv[3]);
  if (argc == 2 && verb == "boot")
    return run_boot(store);
  if (argc != 2 || !known_verb(verb)) {
    return finish(
        verb,
        fail(ErrorCode::invalid_input, "usage: guard <verb>, with a record on standard input"));
  }
  const auto record = read_record(verb == "watch" || verb == "moment");
  return finish(verb, record ? dispatch(store, verb, *record) : Status(fail(record.error())));
}
