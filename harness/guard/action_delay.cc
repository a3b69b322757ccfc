#include "harness/guard/action_delay.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/data_dir.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/held_opens.h"

namespace harness::guard {
namespace {

std::string seconds_text(std::int64_t from_us, std::int64_t to_us) {
  return fmt::format("{:.3f} s", static_cast<double>(to_us - from_us) / 1e6);
}

Json delayed_by(const std::string& path, const std::vector<HeldOpens::Wait>& waits) {
  Json held = {{"kind", "delayed"},
               {"boot_id", boot_id()},
               {"path", path},
               {"holder", {{"pid", getpid()}, {"start_ticks", start_ticks(getpid())}}},
               {"waits", Json::array()}};
  for (const HeldOpens::Wait& one : waits) {
    Json wait = {{"pid", one.opener.pid},
                 {"start_ticks", one.opener.start_ticks},
                 {"from_us", one.from.mono_us}};
    if (one.to.mono_us != 0) {
      wait["to_us"] = one.to.mono_us;
      wait["ended"] = one.ended;
    }
    held["waits"].push_back(std::move(wait));
  }
  return held;
}

class Delayed : public Standing {
 public:
  Delayed(std::unique_ptr<HeldOpens> opens, std::string path, Means means)
      : opens_(std::move(opens)), path_(std::move(path)), means_(std::move(means)) {}

  std::int64_t step(std::int64_t) override { return INT64_MAX; }

  void over() override {
    opens_->end();
    static_cast<void>(means_.note(delayed_by(path_, opens_->waits())));
  }

 private:
  const std::unique_ptr<HeldOpens> opens_;
  const std::string path_;
  const Means means_;
};

}  // namespace

bool is_kubelet_of_rke2(int pid) {
  return program_of(pid) == "kubelet" && program_of(parent_of(pid)) == "rke2";
}

Status check_delay(const ArmRecord& record) {
  const std::string folder = manifests_in(record.data_dir);
  // RKE2 makes it when it first starts.
  return check_held_opens(there(folder) ? folder : "/run");
}

Result<Struck> delay_manifest(const ArmRecord& record,
                              const Means& means,
                              const std::function<bool()>& abandoned,
                              const std::function<bool(int pid)>& is_kubelet) {
  const std::string file = record.action.pod + ".yaml";
  const std::string path = manifests_in(record.data_dir) + "/" + file;
  TRY(means.note(delayed_by(path, {})), "keep who holds it back");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY_ASSIGN(std::unique_ptr<HeldOpens> opens,
             HeldOpens::begin({.directory = manifests_in(record.data_dir),
                               .file = file,
                               .hold = record.action.hold,
                               .is_for = is_kubelet}),
             "delay");
  const auto first = opens->first(abandoned);
  if (!first) {
    opens->end();
    return fail(ErrorCode::remote_failed,
                fmt::format("kubelet of {} did not open {} in {}; {} open(s) of others and of "
                            "other manifests were let through at once{}",
                            record.unit,
                            path,
                            seconds_text(deed.begun.mono_us, now().mono_us),
                            opens->let_through(),
                            abandoned() ? ", until the controller's lease ran out" : ""));
  }
  TRY(means.note(delayed_by(path, {*first})), "keep who is held back");
  deed.effect = opens->began();
  const std::string uid = uid_of(first->content);
  deed.evidence = {
      {"how", "delay"},
      {"stretched", true},
      {"path", path},
      {"pod_uid", uid},
      {"pid", first->opener.pid},
      {"start_ticks", first->opener.start_ticks},
      {"held_since", to_json(first->from)},
      {"hold_ms", record.action.hold.count()},
      {"summary",
       fmt::format("kubelet (process {}) is held back in its open of {}{}: it came {} after that "
                   "was asked for, and gets through after {}",
                   first->opener.pid,
                   path,
                   uid.empty() ? "" : fmt::format(" (uid {})", uid),
                   seconds_text(deed.effect.mono_us, first->from.mono_us),
                   format_duration(record.action.hold))}};
  return Struck{.deed = std::move(deed),
                .standing = std::make_unique<Delayed>(std::move(opens), path, means)};
}

Result<std::string> release_delayed(const Json& held, const Means& means) {
  const Json holder = json_object(held, "holder");
  const Process process{static_cast<int>(json_int(holder, "pid")), json_int(holder, "start_ticks")};
  const std::string path = json_string(held, "path");
  if (process.pid <= 0 || process.start_ticks <= 0) {
    return fail(ErrorCode::invalid_input,
                "what the record holds of a delayed manifest is damaged: nobody is named who holds "
                "kubelet back; look for a process of the guard on the node");
  }
  if (holds_opens_back(process, means.proc)) {
    return fail(ErrorCode::remote_failed,
                fmt::format("process {} of the guard still holds back kubelet's opens of {}; `kill "
                            "-KILL {}` on the node",
                            process.pid,
                            path,
                            process.pid));
  }
  std::string said = fmt::format("nobody holds back opens of {}", path);
  for (const Json& wait : held.value("waits", Json::array())) {
    const std::int64_t to = json_int(wait, "to_us");
    said +=
        fmt::format("; kubelet (process {}) {}",
                    json_int(wait, "pid"),
                    to == 0 ? std::string("was let through with the end of who held it")
                            : fmt::format("waited {}{}",
                                          seconds_text(json_int(wait, "from_us"), to),
                                          json_bool(wait, "ended") ? " and ended meanwhile" : ""));
  }
  return said;
}

}  // namespace harness::guard
