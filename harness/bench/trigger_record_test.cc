#include "harness/bench/trigger_record.h"

#include <gtest/gtest.h>

namespace harness::bench {
namespace {

TEST(TriggerRecord, waits_for_its_message_and_then_for_the_offset) {
  Armed armed{.id = "b-1", .unit = "u.service", .message = "now", .action = {{"how", "task"}}};
  EXPECT_EQ(record_of("b", "lab", "/d", armed)["trigger"]["offset_us"], 0);
  armed.offset_us = 120'000;
  const Json record = record_of("b", "lab", "/d", armed);
  EXPECT_EQ(record["trigger"]["offset_us"], 120'000);
  EXPECT_EQ(record["trigger"]["open"][0]["log"], "now");
  EXPECT_EQ(record["action"]["how"], "task");
  EXPECT_EQ(record["unit"], "u.service");
}

}  // namespace
}  // namespace harness::bench
