#include "harness/run/open_windows.h"

#include <thread>

#include <gmock/gmock.h>

namespace harness::run {
namespace {

using testing::HasSubstr;

Json moment(const std::string& node, const std::string& window, const std::string& op) {
  return {{"type", "window"}, {"node", node}, {"window", window}, {"op", op}};
}

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

TEST(OpenWindows, are_those_that_a_fault_was_aimed_at) {
  OpenWindows windows;
  windows.follow("cp-1", "static-pod-sync");
  EXPECT_TRUE(windows.await_closed(soon(), {})) << "none ever opened";
  windows.saw(moment("cp-1", "readyz", "opened"));
  windows.saw(moment("cp-2", "static-pod-sync", "opened"));
  EXPECT_EQ(windows.open(), "");
  windows.saw(moment("cp-1", "static-pod-sync", "opened"));
  EXPECT_EQ(windows.open(), "static-pod-sync on cp-1");
  windows.saw({{"type", "journal"}, {"node", "cp-1"}, {"window", "static-pod-sync"}});
  windows.saw(moment("cp-1", "static-pod-sync", "closed"));
  EXPECT_EQ(windows.open(), "");
}

TEST(OpenWindows, end_a_wait_as_they_close) {
  OpenWindows windows;
  windows.follow("cp-1", "static-pod-sync");
  windows.saw(moment("cp-1", "static-pod-sync", "opened"));
  const std::jthread node([&] { windows.saw(moment("cp-1", "static-pod-sync", "closed")); });
  EXPECT_TRUE(windows.await_closed(soon(), {}));
}

TEST(OpenWindows, that_stay_are_named_at_the_deadline_and_at_a_stop) {
  OpenWindows windows;
  windows.follow("cp-1", "static-pod-sync");
  windows.saw(moment("cp-1", "static-pod-sync", "opened"));
  const Status late = windows.await_closed(Deadline::after(std::chrono::milliseconds(20)), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(late.error().message(), HasSubstr("static-pod-sync on cp-1 did not close"));
  std::stop_source stop;
  stop.request_stop();
  const Status stopped = windows.await_closed(soon(), stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::refused);
}

}  // namespace
}  // namespace harness::run
