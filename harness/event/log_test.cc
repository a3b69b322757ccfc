#include "harness/event/log.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/event/slices.h"

namespace harness::event {
namespace {

using testing::HasSubstr;
using testing::Not;

class EventLogTest : public testing::Test {
 protected:
  EventLogTest() { std::filesystem::create_directories(folder_); }

  ~EventLogTest() override { std::filesystem::remove_all(folder_); }

  EventLogTest(const EventLogTest&) = delete;
  EventLogTest& operator=(const EventLogTest&) = delete;

  std::string content() const {
    std::ifstream in(path_);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  void add(const std::string& text) const {
    std::ofstream(path_, std::ios::app | std::ios::binary) << text;
  }

  void append(Json event) const {
    auto log = EventLog::open(path_);
    ASSERT_TRUE(log) << log.error().message();
    ASSERT_TRUE((*log)->append(event));
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      (std::string("hookshot-event-") + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string path_ = (folder_ / "events.jsonl").string();
};

TEST_F(EventLogTest, numbers_stamps_and_redacts_every_line) {
  append({{"type", "probe"}, {"detail", "password=swordfish"}});
  append({{"type", "probe"}, {"deep", {{"list", {"token: abc", 7}}}}});
  std::vector<Json> events;
  const auto report = read_events(path_, [&](Json event) { events.push_back(std::move(event)); });
  ASSERT_TRUE(report) << report.error().message();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["seq"], 1);
  EXPECT_EQ(events[1]["seq"], 2) << "a log that is opened again goes on counting";
  EXPECT_THAT(events[0]["at"].get<std::string>(), HasSubstr("Z"));
  EXPECT_THAT(content(), Not(HasSubstr("swordfish")));
}

TEST_F(EventLogTest, keeps_lines_whole_when_many_threads_write) {
  auto log = EventLog::open(path_);
  ASSERT_TRUE(log);
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < 200; ++i) {
          Json event = {{"type", "t"}, {"writer", writer}, {"text", std::string(300, 'x')}};
          EXPECT_TRUE((*log)->append(event));
        }
      });
    }
  }
  std::int64_t last = 0;
  const auto report = read_events(path_, [&](const Json& event) {
    EXPECT_EQ(json_int(event, "seq"), ++last) << "numbered in the order of the lines";
  });
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->events, 800U);
  EXPECT_FALSE(report->partial_tail);
}

TEST_F(EventLogTest, tolerates_and_reports_half_a_last_line) {
  append({{"type", "a"}});
  add(R"({"type":"b","seq":2,"te)");
  std::vector<std::string> types;
  const auto report =
      read_events(path_, [&](const Json& event) { types.push_back(json_string(event, "type")); });
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->partial_tail);
  EXPECT_EQ(types, std::vector<std::string>{"a"});
}

TEST_F(EventLogTest, goes_on_after_half_a_line_without_gluing_to_it) {
  append({{"type", "a"}});
  add(R"({"type":"b","seq":2,"te)");
  append({{"type", "c"}});
  std::vector<std::string> types;
  const auto report =
      read_events(path_, [&](const Json& event) { types.push_back(json_string(event, "type")); });
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_FALSE(report->partial_tail);
  EXPECT_EQ(types, (std::vector<std::string>{"a", "c"}));
}

TEST_F(EventLogTest, names_the_line_that_is_no_event) {
  append({{"type", "a"}});
  add("not json\n{}\n");
  const auto report = read_events(path_, [](const Json&) {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(report.error().message(), HasSubstr("events.jsonl:2: not an event"));
}

TEST_F(EventLogTest, says_which_file_cannot_be_read) {
  const auto report = read_events(path_ + ".none", [](const Json&) {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(report.error().message(), HasSubstr("events.jsonl.none: cannot be read"));
}

TEST_F(EventLogTest, leaves_no_part_of_a_line_when_the_disk_is_full) {
  append({{"type", "a"}});
  auto log = EventLog::open(path_);
  ASSERT_TRUE(log);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old = signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{.rlim_cur = content().size() + 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  Json event = {{"type", "b"}, {"text", std::string(300, 'x')}};
  const Status full = (*log)->append(event);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::internal);
  EXPECT_THAT(full.error().message(), HasSubstr("free some space there"));
  Json next = {{"type", "c"}};
  ASSERT_TRUE((*log)->append(next));
  EXPECT_EQ(next["seq"], 2) << "a line that was not written has no number";
  EXPECT_EQ(read_events(path_, [](const Json&) {})->events, 2U);
}

TEST_F(EventLogTest, slices_by_trial_even_when_they_are_mixed) {
  for (const auto& [name, trial] : std::vector<std::pair<std::string, int>>{
           {"", 0}, {"x", 1}, {"x", 1}, {"x", 2}, {"y", 1}, {"x", 1}}) {
    Json event = {{"type", "t"}};
    if (!name.empty()) {
      event["case"] = name;
      event["trial"] = trial;
    }
    append(std::move(event));
  }
  add("{\"half");
  std::vector<std::int64_t> seen;
  const auto file =
      EventFile::open(path_, [&](const Json& event) { seen.push_back(json_int(event, "seq")); });
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file->trials_of("x"), (std::vector<int>{1, 2}));
  EXPECT_EQ(file->trials_of("y"), std::vector<int>{1});
  EXPECT_TRUE(file->trials_of("").empty()) << "the run's own";
  const auto events = file->read("x", 1);
  ASSERT_TRUE(events) << events.error().message();
  ASSERT_EQ(events->size(), 3U);
  EXPECT_EQ((*events)[2]["seq"], 6);
  EXPECT_TRUE(file->read("x", 3)->empty());
  EXPECT_TRUE(file->read("z", 1)->empty());
}

TEST_F(EventLogTest, says_so_when_the_file_changed_under_a_slice) {
  append({{"type", "t"}, {"case", "x"}, {"trial", 1}});
  const auto file = EventFile::open(path_);
  ASSERT_TRUE(file);
  std::filesystem::resize_file(path_, 0);
  for (const char* instead :
       {"", "not json, and not shorter than that one event was before it\n"}) {
    add(instead);
    const auto events = file->read("x", 1);
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(events.error().message(), HasSubstr("0 of the 1 events of x trial 1"));
    EXPECT_THAT(events.error().message(), HasSubstr("when nothing writes to it"));
  }
}

}  // namespace
}  // namespace harness::event
