#include "harness/observe/node_stream.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "harness/base/eventually.h"
#include "harness/base/log.h"
#include "harness/cluster/facts.h"

namespace harness::observe {
namespace {

constexpr std::chrono::milliseconds kBetweenAttempts{250};
constexpr std::chrono::seconds kAskLimit{10};
// How soon a stop is noticed; the node sends its clock once a second in any case.
constexpr std::chrono::milliseconds kOneRead{200};

// What a fact is about, so that its latest state can be kept; empty for those that are never
// repeated.
std::string subject(const Json& fact) {
  const std::string type = json_string(fact, "type");
  if (type == "manifest") {
    return type + " " + json_string(fact, "file");
  }
  if (type == "container" || type == "fault") {
    return type + " " + json_string(fact, "id");
  }
  if (type == "process") {
    return type + " " + json_string(fact, "name") + " " + std::to_string(json_int(fact, "pid"));
  }
  if (type == "tcp" || type == "http") {
    return type + " " + json_string(fact, "url") + std::to_string(json_int(fact, "port"));
  }
  return type == "unit" ? type : std::string();
}

// Where a journal fact stands, and what it says: a copy of it in another file has another place.
constexpr std::array<const char*, 2> kPlace = {"seqnum", "seqnum_id"};

std::string words(Json fact) {
  for (const char* key : kPlace) {
    fact.erase(key);
  }
  return fact.dump();
}

// What the node looks at only when a window names it.
Json looked_at(const std::vector<event::WindowDef>& windows) {
  std::vector<event::Marker> seen;
  Json out = Json::array();
  for (const event::WindowDef& window : windows) {
    for (const auto* side : {&window.open, &window.close}) {
      for (const event::Marker& marker : *side) {
        const bool endpoint =
            marker.kind == event::Marker::Kind::tcp || marker.kind == event::Marker::Kind::http;
        if (endpoint && std::ranges::find(seen, marker) == seen.end()) {
          seen.push_back(marker);
          out.push_back(event::to_json(marker));
        }
      }
    }
  }
  return out;
}

Json facts_event(const cluster::Node& node, const cluster::NodeFacts& facts) {
  return Json{{"type", "node.facts"},
              {"node", node.name()},
              {"boot_id", facts.boot_id},
              {"clock_offset_us", facts.clock_offset.count()},
              {"clock_error_us", facts.clock_error.count()},
              {"os", facts.os},
              {"kernel", facts.kernel}};
}

}  // namespace

Result<Json> node_facts(cluster::Node& node, const std::string& cluster, Deadline deadline) {
  TRY_ASSIGN(const cluster::NodeFacts facts,
             cluster::ask_facts(node, cluster, deadline),
             "ask " + node.name() + " for its facts");
  return facts_event(node, facts);
}

struct NodeStream::State {
  State(cluster::Node& of, Options with, Sink to)
      : node(of), options(std::move(with)), sink(std::move(to)), tracker(options.windows) {
    since = options.since_wall_us;
  }

  void run(const std::stop_token& stop);
  Status follow(const std::stop_token& stop);
  bool seen_before(const Json& fact);
  bool line_seen_before(const Json& fact);
  Json after() const;
  void take(Json fact);

  void say(bool now_live, std::string why) {
    const std::lock_guard lock(mutex);
    live = now_live;
    last_error = std::move(why);
    changed.notify_all();
  }

  cluster::Node& node;
  Options options;
  Sink sink;
  event::SpanTracker tracker;

  // Only the thread touches these. `tail` holds the journal facts at exactly `since`: a stream that
  // begins again there sends them once more.
  std::int64_t since = 0;
  std::multiset<std::string> tail;
  std::multiset<std::string> replay;
  std::int64_t replay_at = 0;
  std::string boot;  // the boot of the last journal fact
  std::string replay_boot;
  std::string first_boot;
  Json last_line;  // the last journal fact, without its text: what the node goes on after
  std::map<std::string, Json> latest;

  std::mutex mutex;
  std::condition_variable changed;
  bool live = false;
  std::string last_error;
};

bool NodeStream::State::line_seen_before(const Json& fact) {
  const std::int64_t at = json_int(fact, "wall_us");
  const std::int64_t seqnum = json_int(fact, "seqnum");
  const bool same_row =
      seqnum != 0 && json_string(fact, "seqnum_id") == json_string(last_line, "seqnum_id");
  if (same_row && seqnum <= json_int(last_line, "seqnum")) {
    return true;
  }
  if (!same_row && replay_at != 0 && at <= replay_at &&
      json_string(fact, "boot_id") == replay_boot) {
    const auto found = replay.find(words(fact));
    if (found == replay.end()) {
      return at < replay_at;
    }
    replay.erase(found);
    return true;
  }
  if (at > since || json_string(fact, "boot_id") != boot) {
    since = at;
    boot = json_string(fact, "boot_id");
    tail.clear();
  }
  if (at == since) {
    tail.insert(words(fact));
  }
  last_line = fact;
  last_line.erase("line");
  return false;
}

// Empty until the node's boot is known.
Json NodeStream::State::after() const {
  if (!last_line.is_null()) {
    return {{"boot_id", json_string(last_line, "boot_id")},
            {"seqnum_id", json_string(last_line, "seqnum_id")},
            {"seqnum", json_int(last_line, "seqnum")},
            {"mono_us", json_int(last_line, "mono_us")}};
  }
  return first_boot.empty() ? Json::object() : Json{{"boot_id", first_boot}, {"seqnum", 0}};
}

bool NodeStream::State::seen_before(const Json& fact) {
  if (json_string(fact, "type") == "journal") {
    return line_seen_before(fact);
  }
  const std::string about = subject(fact);
  if (about.empty()) {
    return false;
  }
  Json state = fact;
  state.erase("wall_us");
  state.erase("mono_us");
  state.erase("initial");  // a stream that begins again tells what is there as news
  Json& last = latest[about];
  if (last == state) {
    return true;
  }
  last = std::move(state);
  return false;
}

void NodeStream::State::take(Json fact) {
  if (seen_before(fact)) {
    return;
  }
  // What was there when the stream began opened no window now; but a unit that has failed
  // meanwhile ends those that are open.
  const std::vector<event::WindowMoment> moments =
      json_bool(fact, "initial") && json_string(fact, "type") != "unit"
          ? std::vector<event::WindowMoment>()
          : tracker.feed(fact);
  fact["node"] = node.name();
  sink(std::move(fact));
  for (const event::WindowMoment& moment : moments) {
    Json event = moment.to_json();
    event["node"] = node.name();
    sink(std::move(event));
  }
}

Status NodeStream::State::follow(const std::stop_token& stop) {
  if (!node.connected()) {
    TRY(node.reconnect(Deadline::after(options.reconnect_attempt)), "connect");
  }
  TRY_ASSIGN(const cluster::NodeFacts facts,
             cluster::ask_facts(node, options.cluster, Deadline::after(kAskLimit)),
             "facts");
  if (since == 0) {
    since = wall_now_us() + facts.clock_offset.count();
  }
  sink(facts_event(node, facts));
  Json record{{"cluster", options.cluster},
              {"unit", node.unit()},
              {"data_dir", node.data_dir()},
              {"since_wall_us", since}};
  if (const Json known = after(); !known.empty()) {
    record["after"] = known;
  }
  if (Json look = looked_at(options.windows); !look.empty()) {
    record["look"] = std::move(look);
  }
  first_boot = first_boot.empty() ? facts.boot_id : first_boot;
  TRY_ASSIGN(const std::unique_ptr<cluster::LineStream> stream,
             node.guard_stream("watch", record, Deadline::after(kAskLimit)),
             "watch");
  replay = tail;
  replay_at = tail.empty() ? 0 : since;
  replay_boot = boot;
  while (!stop.stop_requested()) {
    TRY_ASSIGN(std::optional<Json> fact, stream->next(Deadline::after(kOneRead)), "watch");
    if (!fact) {
      continue;
    }
    take(std::move(*fact));
    say(true, {});
  }
  return {};
}

void NodeStream::State::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Status ended = follow(stop);
    if (ended) {
      return;
    }
    say(false, ended.error().message());
    log::debug("{}: {}", node.name(), ended.error().message());
    if (paced(kBetweenAttempts, stop)) {
      return;
    }
  }
}

NodeStream::NodeStream(cluster::Node& node, Options options, Sink sink)
    : state_(std::make_unique<State>(node, std::move(options), std::move(sink))),
      thread_([state = state_.get()](const std::stop_token& stop) { state->run(stop); }) {}

NodeStream::~NodeStream() {
  stop();
}

Status NodeStream::wait_live(Deadline deadline) {
  std::unique_lock lock(state_->mutex);
  if (state_->changed.wait_until(lock, deadline.at(), [&] { return state_->live; })) {
    return {};
  }
  return fail(ErrorCode::timed_out,
              fmt::format("{} sends no facts; last seen: {}",
                          state_->node.name(),
                          state_->last_error.empty() ? "nothing yet" : state_->last_error));
}

void NodeStream::stop() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

}  // namespace harness::observe
