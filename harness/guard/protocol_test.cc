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

TEST(ArmRecord, refuses_or_keeps_hostile_texts_whole_and_never_throws) {
  const std::string cut_inside = std::string(299, 'x') + "\u00e4\u20ac";
  for (const std::string& hostile :
       {std::string("$(reboot)"), std::string("a\nb"), std::string("\x01"), cut_inside}) {
    Json record = good();
    record["run"] = hostile;
    EXPECT_FALSE(arm_record_from_json(record)) << "run = " << hostile;
    record = good();
    record["trigger"]["window"] = hostile;
    EXPECT_FALSE(arm_record_from_json(record)) << "window = " << hostile;
    record = good();
    record["case"] = hostile;
    record["params"] = {{"pod", hostile}, {hostile, 1}};
    record["trigger"]["open"] = {{{"log", hostile}}};
    const auto kept = arm_record_from_json(record);
    ASSERT_TRUE(kept) << kept.error().message();
    EXPECT_LE(kept->case_name.size(), 300U);
    EXPECT_NO_THROW(to_json(*kept).dump()) << "a character was cut in two";
    const auto again = arm_record_from_json(to_json(*kept));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(to_json(*again), to_json(*kept));
  }
  for (const char* path : {"/x/$(id)", "/a;b", "/a\nb", "/a b", "/`id`", "/x'"}) {
    Json record = good();
    record["data_dir"] = path;
    EXPECT_FALSE(arm_record_from_json(record)) << path;
  }
  Json record = good();
  record["params"] = {{"pod", std::string(5000, 'x')}};
  EXPECT_FALSE(arm_record_from_json(record));
  record["params"] = nullptr;
  EXPECT_FALSE(arm_record_from_json(record));
}

TEST(ArmRecord, holds_only_what_lasts_and_never_beyond_its_timer) {
  const auto with = [](Json action) {
    Json record = good();
    record["action"] = std::move(action);
    return arm_record_from_json(record);
  };
  const Json freeze{{"do", "freeze"}, {"pod", "etcd"}, {"hold_ms", 5000}};
  const auto taken = with(freeze);
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(to_json(*taken)["action"], freeze);
  EXPECT_TRUE(with({{"do", "service"}, {"how", "kill"}}));
  const Json child{{"do", "child"}, {"what", "kubelet"}, {"how", "freeze"}, {"hold_ms", 5000}};
  const auto frozen = with(child);
  ASSERT_TRUE(frozen) << frozen.error().message();
  EXPECT_EQ(to_json(*frozen)["action"], child);
  EXPECT_TRUE(with({{"do", "child"}, {"what", "containerd"}, {"how", "kill"}}));
  EXPECT_FALSE(with({{"do", "child"}, {"what", "sshd"}, {"how", "kill"}}));
  EXPECT_FALSE(with({{"do", "child"}, {"pod", "etcd"}, {"what", "kubelet"}, {"how", "kill"}}));
  const Json delay{{"do", "delay"}, {"pod", "etcd"}, {"hold_ms", 5000}};
  EXPECT_TRUE(with(delay));
  EXPECT_EQ(to_json(*with(delay))["action"], delay);
  EXPECT_TRUE(with({{"do", "slow"}, {"how", "10"}, {"hold_ms", 5000}}));
  EXPECT_FALSE(with({{"do", "slow"}, {"how", "0"}, {"hold_ms", 5000}}));
  EXPECT_FALSE(with({{"do", "service"}, {"how", "mask"}, {"hold_ms", 5000}}));
  EXPECT_FALSE(with({{"do", "service"}, {"how", "stop"}}));
  EXPECT_FALSE(with({{"do", "service"}, {"how", "kill"}, {"hold_ms", 5000}}));
  EXPECT_FALSE(with({{"do", "freeze"}, {"pod", "etcd"}, {"hold_ms", 60000}})) << "ttl is 60 s";
  EXPECT_FALSE(with({{"do", "freeze"}, {"pod", "etcd"}, {"hold_ms", -1}}));
}

TEST(ArmRecord, takes_addresses_and_hosts_in_their_own_small_languages_only) {
  const auto with = [](Json action) {
    Json record = good();
    record["action"] = std::move(action);
    return arm_record_from_json(record);
  };
  Json partition{{"do", "partition"},
                 {"what", "etcd-peers"},
                 {"how", "drop"},
                 {"direction", "both"},
                 {"addresses", {"192.0.2.12", "2001:db8::12"}},
                 {"hold_ms", 5000}};
  const auto taken = with(partition);
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(to_json(*taken)["action"], partition);
  for (const Json& hostile : {Json("192.0.2.12; flush ruleset"),
                              Json("192.0.2.0/24"),
                              Json("cp-2"),
                              Json("192.0.2.12\nflush ruleset"),
                              Json("fe80::1%eth0"),
                              Json(""),
                              Json(7),
                              Json::array()}) {
    partition["addresses"] = Json::array({hostile});
    EXPECT_FALSE(with(partition)) << hostile.dump();
  }
  partition["addresses"] = Json::array();
  EXPECT_FALSE(with(partition));
  partition["addresses"] = "192.0.2.12";
  EXPECT_FALSE(with(partition));
  partition["addresses"] = std::vector<std::string>(65, "192.0.2.12");
  EXPECT_FALSE(with(partition));
  partition.erase("addresses");
  EXPECT_FALSE(with(partition));
  EXPECT_FALSE(
      with({{"do", "dns"}, {"how", "drop"}, {"hold_ms", 5}, {"addresses", {"192.0.2.1"}}}));
  EXPECT_TRUE(with({{"do", "dns"}, {"how", "drop"}, {"hold_ms", 5000}}));
  EXPECT_FALSE(with({{"do", "dns"}, {"how", "drop"}, {"hold_ms", 5000}, {"direction", "in"}}));
  for (const char* host : {"docker.io", "r.example:5000", "192.0.2.7", "[2001:db8::7]:443"}) {
    EXPECT_TRUE(with({{"do", "registry"}, {"host", host}, {"hold_ms", 5000}})) << host;
  }
  for (const char* host : {"",
                           "-x",
                           "a b",
                           "a;b",
                           "A.io",
                           "a..b",
                           ".a",
                           "a.",
                           "a:0",
                           "a:65536",
                           "a:-1",
                           "a:",
                           "1.2.3",
                           "a\nb",
                           "2001:db8::7]:443",
                           "[192.0.2.7]:1"}) {
    EXPECT_FALSE(with({{"do", "registry"}, {"host", host}, {"hold_ms", 5000}})) << host;
  }
}

TEST(ArmRecord, slows_a_network_only_by_amounts_that_make_sense) {
  const auto with = [](std::int64_t delay, std::int64_t jitter, std::int64_t loss, int reorder) {
    Json record = good();
    record["action"] = {{"do", "netem"},
                        {"delay_us", delay},
                        {"jitter_us", jitter},
                        {"loss_percent", loss},
                        {"duplicate_percent", 0},
                        {"reorder_percent", reorder},
                        {"rate_kbit", 0},
                        {"addresses", {"192.0.2.12"}},
                        {"hold_ms", 5000}};
    return arm_record_from_json(record).has_value();
  };
  EXPECT_TRUE(with(1000, 500, 0, 25));
  EXPECT_TRUE(with(0, 0, 100, 0));
  EXPECT_FALSE(with(0, 0, 0, 0)) << "nothing is slow";
  EXPECT_FALSE(with(1000, 2000, 0, 0));
  EXPECT_FALSE(with(0, 0, 1, 25)) << "what is not held back has no turn";
  EXPECT_FALSE(with(1000, 0, 101, 0));
  EXPECT_FALSE(with(10'000'001, 0, 0, 0));
}

TEST(TextOf, replaces_what_is_no_text) {
  EXPECT_EQ(text_of({{"case", "a\xc3"}}), "{\"case\":\"a\xef\xbf\xbd\"}");
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

TEST(ArmRecord, refuses_nesting_that_would_cost_the_stack) {
  constexpr std::size_t kLevels = 200'000;
  Json rest = good();
  rest.erase("params");
  const auto json = parse_json(R"({"params":{"a":)" + std::string(kLevels, '[') +
                               std::string(kLevels, ']') + "}," + text_of(rest).substr(1));
  ASSERT_TRUE(json) << json.error().message();
  const auto record = arm_record_from_json(*json);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code(), ErrorCode::invalid_input);
}

TEST(ArmRecord, is_refused_with_a_number_beyond_any_double) {
  const auto json = parse_json(R"({"id":"h-1","lease_ms":1E5000})");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code(), ErrorCode::invalid_input);
}

TEST(Verbs, are_a_fixed_list) {
  EXPECT_TRUE(known_verb("arm"));
  EXPECT_FALSE(known_verb("arm; reboot"));
  EXPECT_FALSE(known_verb("version")) << "the guard has none";
  EXPECT_FALSE(known_verb("trigger")) << "the node's own systemd runs it, not the controller";
}

}  // namespace
}  // namespace harness::guard
