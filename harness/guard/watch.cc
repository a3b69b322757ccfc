#include "harness/guard/watch.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "harness/guard/endpoint_watch.h"
#include "harness/guard/file_watch.h"
#include "harness/guard/journal_reader.h"
#include "harness/guard/pace.h"
#include "harness/guard/process_watch.h"
#include "harness/guard/protocol.h"
#include "harness/guard/record_watch.h"
#include "harness/guard/round.h"
#include "harness/guard/system.h"
#include "harness/guard/unit_watch.h"

namespace harness::guard {
namespace {

// The journal has no descriptor to wait on that speaks in time. Its facts bear journald's own
// stamps and most others wake the watch, so looking seldom costs no exactness. Ports and pages are
// known no better than they are looked at: who asks for them pays for it.
constexpr Pace::Periods kPace;
constexpr Pace::Periods kPaceOfPorts{.busy_us = 10'000, .rest_us = 10'000, .calm_us = 0};
constexpr int kRoundsToRotation = 4;
constexpr int kRoundsOfPatience = 100;
constexpr std::int64_t kRecordsPeriodUs = 50'000;
constexpr std::int64_t kClockPeriodUs = 1'000'000;

class Watch {
 public:
  Watch(const Store& store,
        const std::string& unit,
        const std::string& data_dir,
        std::vector<event::Marker> look)
      : journal_({.unit = unit,
                  .directories = {},
                  .boot_id = {},
                  .patience = kRoundsOfPatience,
                  .look_for_rotation_every = kRoundsToRotation}),
        manifests_(data_dir),
        unit_(unit),
        processes_({.unit = unit, .cgroups = {}, .period = Microseconds(kPace.busy_us)}),
        pace_(look.empty() ? kPace : kPaceOfPorts),
        endpoints_({.markers = std::move(look)}),
        records_(store) {}

  Status run(std::int64_t since, std::optional<JournalPosition> after);

 private:
  void send(const Json& fact);
  void look(bool initial);
  bool wait();

  JournalReader journal_;
  ManifestWatch manifests_;
  ContainerWatch containers_;
  UnitWatch unit_;
  ProcessWatch processes_;
  Pace pace_;
  EndpointWatch endpoints_;
  RecordWatch records_;
  std::vector<pollfd> watched_;
  bool open_ = true;
  std::int64_t records_at_ = 0;
  std::int64_t clock_at_ = 0;
};

void Watch::send(const Json& fact) {
  if (json_string(fact, "ident") == "systemd") {
    unit_.news();
  }
  if (json_string(fact, "type") != "clock") {
    pace_.news(now().mono_us);
  }
  open_ = open_ && emit(fact);
}

// What was there before may be of other boots, and long: it is told as it is found.
void Watch::look(bool initial) {
  Round round;
  const Take take = [&](Json fact) { initial ? send(fact) : round.add(std::move(fact)); };
  containers_.poll(initial, take);
  manifests_.poll(initial, take);
  processes_.poll(take);
  endpoints_.poll(take);
  journal_.poll(take);
  unit_.poll(take);
  round.tell([this](const Json& fact) { send(fact); });
  const Now stamp = now();
  if (stamp.mono_us - records_at_ >= kRecordsPeriodUs) {
    records_at_ = stamp.mono_us;
    records_.poll([this](const Json& fact) { send(fact); });
  }
  if (stamp.mono_us - clock_at_ >= kClockPeriodUs) {
    clock_at_ = stamp.mono_us;
    send(stamped({{"type", "clock"}}, now()));
  }
}

// False when standard input has ended.
bool Watch::wait() {
  watched_.clear();
  watched_.push_back({STDIN_FILENO, POLLIN, 0});
  watched_.push_back({manifests_.fd(), POLLIN, 0});
  containers_.wait_on(watched_);
  processes_.wait_on(watched_);
  const auto happens = static_cast<std::ptrdiff_t>(watched_.size());
  endpoints_.wait_on(watched_);
  unit_.wait_on(watched_);
  if (!ready_before(watched_, pace_.next(now().mono_us))) {
    return true;
  }
  // Perhaps of a thing that is not whole yet, of which there is no fact.
  if (std::any_of(watched_.begin() + 1, watched_.begin() + happens, [](const pollfd& one) {
        return one.revents != 0;
      })) {
    pace_.news(now().mono_us);
  }
  if (watched_[0].revents == 0) {
    return true;
  }
  char ignored[512];
  return read(STDIN_FILENO, ignored, sizeof ignored) > 0;
}

Status Watch::run(std::int64_t since, std::optional<JournalPosition> after) {
  TRY(journal_.start(since == 0 ? INT64_MAX : since, std::move(after)), "watch");
  look(true);
  while (open_ && wait()) {
    look(false);
  }
  return {};
}

Result<std::vector<event::Marker>> look_from(const Json& record) {
  std::vector<event::Marker> out;
  const Json list = record.value("look", Json::array());
  if (!list.is_array() || list.size() > 32) {
    return fail(ErrorCode::invalid_input, "look: a list of at most 32 markers is wanted");
  }
  for (const Json& item : list) {
    TRY_ASSIGN(event::Marker marker, event::marker_from_json(item), "look");
    out.push_back(std::move(marker));
  }
  return out;
}

}  // namespace

Status run_watch(const Store& store, const Json& record) {
  const std::string unit = json_string(record, "unit", "rke2-server.service");
  const std::string data_dir = json_string(record, "data_dir", "/var/lib/rancher/rke2");
  TRY(check_unit(unit), "watch");
  TRY(check_path("data_dir", data_dir), "watch");
  TRY_ASSIGN(std::vector<event::Marker> look, look_from(record), "watch");
  return Watch(store, unit, data_dir, std::move(look))
      .run(json_int(record, "since_wall_us"),
           position_from_json(record.value("after", Json::object())));
}

}  // namespace harness::guard
