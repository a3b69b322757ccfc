#include "harness/guard/protocol.h"

#include <gtest/gtest.h>

namespace harness::guard {
namespace {

Json good() {
  return {{"id", "h-0011aabb-1"},
          {"run", "2026-x"},
          {"case", "smoke"},
          {"cluster", "lab-a"},
          {"unit", "rke2-server.service"},
          {"data_dir", "/var/lib/rancher/rke2"},
          {"fault", "kill-pod"},
          {"params", {{"pod", "etcd"}}},
          {"action", {{"do", "kill"}, {"pod", "etcd"}, {"how", "task"}}},
          {"undo", Json::array()},
          {"trigger",
           {{"window", "static-pod-sync"},
            {"open", {{{"log", "Pod for etcd is synced"}}}},
            {"close", {{{"log", "Pod for kube-apiserver is synced"}}}},
            {"offset_us", 0}}},
          {"ttl_ms", 60000},
          {"lease_ms", 15000}};
}

TEST(ArmRecord, goes_there_and_back) {
  const auto record = arm_record_from_json(good());
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_EQ(record->action.pod, "etcd");
  EXPECT_EQ(record->trigger.open.size(), 1U);
  const auto again = arm_record_from_json(to_json(*record));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(to_json(*again), to_json(*record));
}

TEST(ArmRecord, refuses_hostile_texts_in_every_field) {
  for (const char* hostile :
       {"$(reboot)", "; rm -rf /", "`id`", "../../etc", "a\nb", "a b", "-x", "", "\x01", "ä"}) {
    for (const char* field : {"id", "cluster", "unit", "fault", "data_dir"}) {
      Json record = good();
      record[field] = hostile;
      const auto result = arm_record_from_json(record);
      ASSERT_FALSE(result) << field << " = " << hostile;
      EXPECT_EQ(result.error().code(), ErrorCode::invalid_input);
    }
    for (const char* field : {"do", "pod", "how"}) {
      Json record = good();
      record["action"][field] = hostile;
      EXPECT_FALSE(arm_record_from_json(record)) << field << " = " << hostile;
    }
  }
}

TEST(ArmRecord, refuses_unknown_keys_wrong_types_and_wrong_ranges) {
  const auto refused = [](const std::function<void(Json&)>& change) {
    Json record = good();
    change(record);
    const auto result = arm_record_from_json(record);
    return !result && result.error().code() == ErrorCode::invalid_input;
  };
  EXPECT_TRUE(refused([](Json& r) { r["shell"] = "x"; }));
  EXPECT_TRUE(refused([](Json& r) { r["action"]["signal"] = 9; }));
  EXPECT_TRUE(refused([](Json& r) { r["trigger"]["open"] = Json::array(); }));
  EXPECT_TRUE(refused([](Json& r) { r["trigger"]["open"] = {{{"shout", "x"}}}; }));
  EXPECT_TRUE(refused([](Json& r) { r["trigger"]["offset_us"] = -1; }));
  EXPECT_TRUE(refused([](Json& r) { r["ttl_ms"] = 0; }));
  EXPECT_TRUE(refused([](Json& r) { r["ttl_ms"] = "60000"; }));
  EXPECT_TRUE(refused([](Json& r) { r["lease_ms"] = 1LL << 40; }));
  EXPECT_TRUE(refused([](Json& r) { r["undo"] = {{{"do", "exec"}}}; }));
  EXPECT_TRUE(refused([](Json& r) { r["data_dir"] = "/var/lib/../../etc"; }));
  EXPECT_FALSE(arm_record_from_json(Json::array()));
  EXPECT_FALSE(arm_record_from_json("text"));
}

TEST(Verbs, are_a_fixed_list) {
  EXPECT_TRUE(known_verb("arm"));
  EXPECT_FALSE(known_verb("arm; reboot"));
  EXPECT_FALSE(known_verb("trigger")) << "the node's own systemd runs it, not the controller";
}

}  // namespace
}  // namespace harness::guard
