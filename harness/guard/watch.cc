#include "harness/guard/watch.h"

#include <map>

#include <poll.h>
#include <unistd.h>

#include "harness/guard/file_watch.h"
#include "harness/guard/journal_reader.h"
#include "harness/guard/protocol.h"
#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr int kPeriodMs = 5;
constexpr std::int64_t kUnitPeriodUs = 2'000'000;
constexpr std::int64_t kUnitAfterNewsUs = 100'000;
constexpr std::int64_t kRecordsPeriodUs = 200'000;
constexpr std::int64_t kClockPeriodUs = 1'000'000;

std::map<std::string, std::string> properties_of(const std::string& text) {
  std::map<std::string, std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      out[line.substr(0, equals)] = line.substr(equals + 1);
    }
    at = end + 1;
  }
  return out;
}

Json unit_fact(const std::string& unit) {
  const auto shown =
      spawn({"systemctl",
             "show",
             "--property=ActiveState,SubState,Result,InvocationID,MainPID,NRestarts,ExecMainStatus",
             unit},
            std::chrono::seconds(5));
  if (!shown || !shown->ok()) {
    return {};
  }
  auto values = properties_of(shown->out);
  return {{"type", "unit"},
          {"unit", unit},
          {"active", values["ActiveState"]},
          {"sub", values["SubState"]},
          {"result", values["Result"]},
          {"invocation", values["InvocationID"]},
          {"main_pid", std::atoll(values["MainPID"].c_str())},
          {"n_restarts", std::atoll(values["NRestarts"].c_str())},
          {"exec_status", std::atoll(values["ExecMainStatus"].c_str())}};
}

class Watch {
 public:
  Watch(const Store& store, std::string unit, const std::string& data_dir)
      : store_(store), unit_(std::move(unit)), journal_({.unit = unit_}), manifests_(data_dir) {}

  Status run(std::int64_t since);

 private:
  void send(Json fact);
  void send_stamped(Json fact);
  void look_at_unit(std::int64_t at);
  void look_at_records();

  const Store& store_;
  const std::string unit_;
  JournalReader journal_;
  ManifestWatch manifests_;
  ContainerWatch containers_;
  bool open_ = true;
  std::int64_t news_at_ = 0;
  std::int64_t unit_at_ = 0;
  std::int64_t records_at_ = 0;
  std::int64_t clock_at_ = 0;
  Json last_unit_;
  std::map<std::string, std::string> last_records_;
};

void Watch::send(Json fact) {
  if (json_string(fact, "ident") == "systemd") {
    news_at_ = now().mono_us;
  }
  open_ = open_ && emit(fact);
}

void Watch::send_stamped(Json fact) {
  const Now stamp = now();
  fact["wall_us"] = stamp.wall_us;
  fact["mono_us"] = stamp.mono_us;
  fact["boot_id"] = boot_id();
  send(std::move(fact));
}

void Watch::look_at_unit(std::int64_t at) {
  const bool news = news_at_ != 0 && at - news_at_ > kUnitAfterNewsUs;
  if (!news && at - unit_at_ < kUnitPeriodUs) {
    return;
  }
  news_at_ = 0;
  unit_at_ = at;
  Json fact = unit_fact(unit_);
  if (!fact.is_null() && fact != last_unit_) {
    last_unit_ = fact;
    send_stamped(std::move(fact));
  }
}

void Watch::look_at_records() {
  auto records = store_.armed();
  for (RecordState& done : store_.done()) {
    if (last_records_.contains(done.record.id)) {
      records.push_back(std::move(done));
    }
  }
  for (const RecordState& state : records) {
    std::string text = state.progress.dump();
    if (last_records_[state.record.id] != text) {
      last_records_[state.record.id] = std::move(text);
      send_stamped(state.to_json("fault"));
    }
  }
}

Status Watch::run(std::int64_t since) {
  TRY(journal_.start(since == 0 ? INT64_MAX : since), "watch");
  const Take take = [this](Json fact) { send(std::move(fact)); };
  bool initial = true;
  while (open_) {
    journal_.poll(take);
    manifests_.poll(initial, take);
    containers_.poll(initial, take);
    initial = false;
    const std::int64_t at = now().mono_us;
    look_at_unit(at);
    if (at - records_at_ >= kRecordsPeriodUs) {
      records_at_ = at;
      look_at_records();
    }
    if (at - clock_at_ >= kClockPeriodUs) {
      clock_at_ = at;
      send_stamped({{"type", "clock"}});
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kPeriodMs) > 0) {
      char ignored[512];
      if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
        return {};
      }
    }
  }
  return {};
}

}  // namespace

Status run_watch(const Store& store, const Json& record) {
  const std::string unit = json_string(record, "unit", "rke2-server.service");
  const std::string data_dir = json_string(record, "data_dir", "/var/lib/rancher/rke2");
  TRY(check_unit(unit), "watch");
  TRY(check_path("data_dir", data_dir), "watch");
  return Watch(store, unit, data_dir).run(json_int(record, "since_wall_us"));
}

}  // namespace harness::guard
