#include "harness/observe/node_stream.h"

#include <condition_variable>

#include <gmock/gmock.h>

#include "harness/event/event.h"
#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(20));

class Collector {
 public:
  Sink sink() {
    return [this](Json event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
      changed_.notify_all();
    };
  }

  bool wait(const std::function<bool(const Json&)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::any_of(events_.begin(), events_.end(), wanted);
    });
  }

  bool wait_line(const std::string& line) {
    return wait([&](const Json& event) { return json_string(event, "line") == line; });
  }

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const Json& event : events_) {
      if (event["type"] == "journal") {
        all.push_back(event["line"]);
      }
    }
    return all;
  }

  std::size_t count(const std::string& type) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        events_.begin(), events_.end(), [&](const Json& event) { return event["type"] == type; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> events_;
};

Json line(std::int64_t at, const std::string& text, const std::string& boot = "boot1") {
  return {{"type", "journal"},
          {"wall_us", at},
          {"mono_us", at},
          {"boot_id", boot},
          {"unit", "rke2-server.service"},
          {"invocation", "inv1"},
          {"ident", "rke2"},
          {"pid", 1},
          {"line", text}};
}

std::string rke2(const std::string& message) {
  return "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + message + "\"";
}

std::vector<Json> watch_records(const cluster::FakeNode& node) {
  std::vector<Json> records;
  for (const auto& seen : node.traffic()) {
    if (seen.kind == "stream") {
      records.push_back(seen.record);
    }
  }
  return records;
}

NodeStream::Options options(std::vector<event::WindowDef> windows = {}) {
  NodeStream::Options made;
  made.cluster = "lab";
  made.windows = std::move(windows);
  made.reconnect_attempt = std::chrono::milliseconds(200);
  return made;
}

event::Marker marker(const std::string& glob) {
  return event::marker_from_json({{"log", glob}}).value();
}

TEST(NodeStream, passes_facts_on_with_the_node_s_name_and_the_clock_s_offset_first) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  stream.feed(line(100, "hello"));
  ASSERT_TRUE(seen.wait_line("hello"));
  EXPECT_TRUE(follower.wait_live(kSoon));
  EXPECT_TRUE(seen.wait([](const Json& event) {
    return event["type"] == "node.facts" && event.contains("clock_offset_us");
  }));
  EXPECT_TRUE(seen.wait(
      [](const Json& event) { return event["type"] == "journal" && event["node"] == "cp-1"; }));
  const Json record = watch_records(server.node).at(0);
  EXPECT_EQ(record["cluster"], "lab");
  EXPECT_EQ(record["unit"], "rke2-server.service");
}

TEST(NodeStream, says_when_windows_open_and_close) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  event::WindowDef window;
  window.name = "start-up-hooks";
  window.open = {marker("Kube API server is now running")};
  window.close = {marker("rke2 is up and running")};
  NodeStream follower(server.node, options({window}), seen.sink());
  stream.feed(line(100, rke2("Kube API server is now running")));
  stream.feed(line(200, rke2("rke2 is up and running")));
  EXPECT_TRUE(seen.wait([](const Json& event) {
    return event["type"] == "window" && event["op"] == "closed" && event["node"] == "cp-1" &&
           event["window"] == "start-up-hooks" && event["wall_us"] == 200;
  }));
  EXPECT_EQ(seen.count("window"), 2u);
}

TEST(NodeStream, does_not_open_a_window_for_what_was_there_before) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  event::WindowDef window;
  window.name = "etcd-start";
  window.open = {event::marker_from_json({{"manifest", "written"}, {"file", "etcd.yaml"}}).value()};
  window.close = {marker("Connection to etcd is ready")};
  NodeStream follower(server.node, options({window}), seen.sink());
  stream.feed({{"type", "manifest"},
               {"op", "written"},
               {"file", "etcd.yaml"},
               {"initial", true},
               {"boot_id", "boot1"},
               {"wall_us", 1}});
  stream.feed(line(100, "one"));
  ASSERT_TRUE(seen.wait_line("one"));
  EXPECT_EQ(seen.count("manifest"), 1u);
  EXPECT_EQ(seen.count("window"), 0u);
}

TEST(NodeStream, has_the_node_look_at_the_endpoints_that_windows_name) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  const Json up{{"tcp", "answers"}, {"port", "9345"}};
  const Json well{{"http", "http://127.0.0.1:10248/healthz"}, {"status", "200"}};
  event::WindowDef window;
  window.name = "supervisor-down";
  window.open = {event::marker_from_json(up).value()};
  window.close = {marker("x"), event::marker_from_json(well).value()};
  event::WindowDef twice = window;
  twice.name = "again";
  NodeStream follower(server.node, options({window, twice}), seen.sink());
  stream.feed(line(50, "begin"));
  stream.feed({{"type", "tcp"},
               {"port", 9345},
               {"state", "answers"},
               {"boot_id", "boot1"},
               {"wall_us", 100},
               {"mono_us", 100}});
  stream.feed({{"type", "tcp"},
               {"port", 9345},
               {"state", "answers"},
               {"initial", true},
               {"boot_id", "boot1"},
               {"wall_us", 200},
               {"mono_us", 200}});
  stream.feed(line(300, "end"));
  ASSERT_TRUE(seen.wait_line("end"));
  EXPECT_EQ(watch_records(server.node).at(0)["look"], Json::array({up, well}));
  EXPECT_EQ(seen.count("tcp"), 1u) << "a stream that begins again tells it once more";
  EXPECT_EQ(seen.count("window"), 2u);
}

TEST(NodeStream, goes_on_after_a_reboot_without_loss_or_repetition) {
  FakeServer server;
  auto first = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  first.feed(line(100, "one"));
  first.feed(line(200, "two"));
  first.feed(line(200, "two again"));
  ASSERT_TRUE(seen.wait_line("two again"));
  auto second = server.node.on_stream("watch");
  server.node.set_boot_id("boot2");
  server.node.lose_connection();
  second.feed(line(200, "two"));
  second.feed(line(200, "two again"));
  second.feed(line(200, "two, a third time"));
  second.feed(line(150, "from the new boot, whose clock is behind", "boot2"));
  second.feed(line(300, "three", "boot2"));
  ASSERT_TRUE(seen.wait_line("three"));
  EXPECT_THAT(seen.lines(),
              testing::ElementsAre("one",
                                   "two",
                                   "two again",
                                   "two, a third time",
                                   "from the new boot, whose clock is behind",
                                   "three"));
  EXPECT_EQ(watch_records(server.node).at(1)["since_wall_us"], 200);
  EXPECT_EQ(seen.count("node.facts"), 2u);
}

Json numbered(std::int64_t seqnum, Json fact, const std::string& row = "row1") {
  fact["seqnum"] = seqnum;
  fact["seqnum_id"] = row;
  return fact;
}

TEST(NodeStream, asks_for_what_follows_the_last_line_whatever_the_clock_says) {
  FakeServer server;
  auto first = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  first.feed(numbered(7, line(200, "one")));
  ASSERT_TRUE(seen.wait_line("one"));
  EXPECT_FALSE(watch_records(server.node).at(0).contains("after"));
  auto second = server.node.on_stream("watch");
  server.node.lose_connection();
  second.feed(numbered(7, line(200, "one")));
  second.feed(numbered(8, line(150, "the clock was set back")));
  second.feed(numbered(8, line(150, "the clock was set back")));
  second.feed(numbered(9, line(300, "three")));
  ASSERT_TRUE(seen.wait_line("three"));
  EXPECT_THAT(seen.lines(), testing::ElementsAre("one", "the clock was set back", "three"));
  const Json record = watch_records(server.node).at(1);
  EXPECT_EQ(record["after"],
            (Json{{"boot_id", "boot1"}, {"seqnum_id", "row1"}, {"seqnum", 7}, {"mono_us", 200}}));
  EXPECT_EQ(record["since_wall_us"], 200);
}

TEST(NodeStream, does_not_repeat_a_line_that_was_copied_to_another_file) {
  FakeServer server;
  auto first = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  first.feed(numbered(7, line(200, "one")));
  ASSERT_TRUE(seen.wait_line("one"));
  auto second = server.node.on_stream("watch");
  server.node.lose_connection();
  second.feed(numbered(101, line(200, "one"), "row2"));
  second.feed(numbered(102, line(200, "at the same time"), "row2"));
  second.feed(numbered(103, line(201, "three"), "row2"));
  ASSERT_TRUE(seen.wait_line("three"));
  EXPECT_THAT(seen.lines(), testing::ElementsAre("one", "at the same time", "three"));
}

TEST(NodeStream, names_the_boot_it_knows_when_no_line_came_yet) {
  FakeServer server;
  server.node.set_boot_id("boot1");
  auto first = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  first.feed({{"type", "clock"}, {"wall_us", 1}});
  ASSERT_TRUE(follower.wait_live(kSoon));
  auto second = server.node.on_stream("watch");
  server.node.set_boot_id("boot2");
  server.node.lose_connection();
  second.feed(numbered(1, line(150, "of the new boot", "boot2")));
  ASSERT_TRUE(seen.wait_line("of the new boot"));
  EXPECT_EQ(watch_records(server.node).at(1)["after"], (Json{{"boot_id", "boot1"}, {"seqnum", 0}}));
}

TEST(NodeStream, passes_on_what_the_node_could_not_see) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  for (const std::string_view type : {event::type::kJournalProblem,
                                      event::type::kContainerProblem,
                                      event::type::kProcessProblem}) {
    stream.feed({{"type", type}, {"line", "why"}, {"boot_id", "boot1"}, {"wall_us", 5}});
    EXPECT_TRUE(seen.wait([&](const Json& event) {
      return event["type"] == type && event["node"] == "cp-1" && event["boot_id"] == "boot1" &&
             event["line"] == "why";
    })) << type;
  }
}

TEST(NodeStream, ends_a_window_when_the_unit_failed_while_nobody_looked) {
  FakeServer server;
  auto stream = server.node.on_stream("watch");
  Collector seen;
  event::WindowDef window;
  window.name = "start-up-hooks";
  window.open = {marker("Kube API server is now running")};
  window.close = {marker("rke2 is up and running")};
  NodeStream follower(server.node, options({window}), seen.sink());
  stream.feed(line(100, rke2("Kube API server is now running")));
  stream.feed({{"type", "unit"},
               {"initial", true},
               {"active", "failed"},
               {"invocation", "inv1"},
               {"boot_id", "boot1"},
               {"wall_us", 300}});
  EXPECT_TRUE(seen.wait([](const Json& event) {
    return event["type"] == "window" && event["op"] == "closed" && event["cut"] == true;
  }));
}

TEST(NodeStream, does_not_repeat_a_state_that_did_not_change) {
  FakeServer server;
  auto first = server.node.on_stream("watch");
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  const Json unit{{"type", "unit"}, {"boot_id", "boot1"}, {"active", "active"}, {"wall_us", 1}};
  first.feed(unit);
  first.feed(line(100, "one"));
  ASSERT_TRUE(seen.wait_line("one"));
  auto second = server.node.on_stream("watch");
  server.node.lose_connection();
  Json later = unit;
  later["wall_us"] = 150;
  second.feed(later);
  second.feed(line(200, "two"));
  ASSERT_TRUE(seen.wait_line("two"));
  EXPECT_EQ(seen.count("unit"), 1u);
}

TEST(NodeStream, says_why_it_is_not_live) {
  FakeServer server;
  server.node.lose_connection();
  server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route to host"));
  Collector seen;
  NodeStream follower(server.node, options(), seen.sink());
  const Status live = follower.wait_live(Deadline::after(std::chrono::milliseconds(100)));
  ASSERT_FALSE(live);
  EXPECT_EQ(live.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(live.error().message(), HasSubstr("no route to host"));
}

}  // namespace
}  // namespace harness::observe
