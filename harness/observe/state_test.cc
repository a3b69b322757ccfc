#include "harness/observe/state.h"

#include <algorithm>
#include <functional>
#include <map>

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

TEST(State, shows_nodes_with_their_leases) {
  FakeServer server;
  const Access access("lab", {&server.node});
  const Json state = nodes_state(access, &server.node, kSoon);
  ASSERT_EQ(state["nodes"].size(), 1u);
  EXPECT_EQ(state["nodes"][0]["ready"], true);
  EXPECT_EQ(state["nodes"][0]["kubelet_version"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["nodes"][0]["lease_renewed_us"], *parse_wall("2025-05-16T09:07:39.000001Z"));
}

TEST(State, finds_a_node_by_its_address_when_its_name_differs) {
  FakeServer server("first", "192.0.2.11");
  const Json nodes = Json::array({{{"name", "ip-192-0-2-11"}, {"addresses", {"192.0.2.11"}}}});
  ASSERT_NE(find_node(nodes, server.node), nullptr);
  FakeServer other("other", "192.0.2.99");
  EXPECT_EQ(find_node(nodes, other.node), nullptr);
}

TEST(State, shows_back_off_and_last_exit_of_containers) {
  FakeServer server;
  server.back_off_s = 20;
  const Access access("lab", {&server.node});
  const Json state = restarts_state(access, server.node, kSoon);
  ASSERT_EQ(state["containers"].size(), 1u);
  EXPECT_EQ(state["containers"][0]["pod"], "etcd");
  EXPECT_EQ(state["containers"][0]["restart_count"], 3);
  EXPECT_EQ(state["containers"][0]["backoff_us"], 20'000'000);
  EXPECT_EQ(state["containers"][0]["last_exit"]["exit_code"], 137);
}

TEST(State, shows_disk_build_running_build_and_data_directory) {
  FakeServer server;
  server.running = "v1.30.11+rke2r1";
  const Json state = build_state(server.node, Version::parse("v1.30.12+rke2r1").value(), kSoon);
  EXPECT_EQ(state["expected"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["disk_version"], "v1.30.12+rke2r1");
  EXPECT_EQ(state["running"], "v1.30.11+rke2r1");
  EXPECT_THAT(json_string(state, "data_dir"), HasSubstr("v1.30.12"));
  EXPECT_EQ(state["standin"], false);
}

TEST(State, says_when_the_build_is_the_lab_s_stand_in) {
  FakeServer server;
  server.standin = true;
  const Json state = build_state(server.node, {}, kSoon);
  EXPECT_EQ(state["standin"], true);
  EXPECT_THAT(json_string(state, "version_text"), HasSubstr("go version go1.23.8\nstand-in for"));
}

TEST(State, is_taken_in_full_with_its_phase_and_one_error_hides_nothing_else) {
  FakeServer server;
  server.node.on_run(
      "tasks list",
      exec::CommandResult{
          .exit_status = 1, .signal = 0, .out = "", .err = "containerd is away", .cut = false});
  const Access access("lab", {&server.node});
  std::vector<Json> events;
  take_state(
      access,
      {.phase = Phase::after, .expected = {}},
      [&](Json event) { events.push_back(std::move(event)); },
      kSoon);
  std::vector<std::string> types;
  for (const Json& event : events) {
    EXPECT_EQ(event["phase"], "after");
    types.push_back(event["type"]);
  }
  EXPECT_THAT(types,
              testing::UnorderedElementsAre("state.static-pods",
                                            "state.etcd",
                                            "state.nodes",
                                            "state.build",
                                            "state.unit",
                                            "state.restarts",
                                            "state.clean"));
  const auto pods = std::find_if(events.begin(), events.end(), [](const Json& event) {
    return event["type"] == "state.static-pods";
  });
  EXPECT_THAT(json_string(*pods, "error"), HasSubstr("containerd is away"));
}

TEST(State, has_the_static_pods_of_agents_which_may_have_none) {
  FakeServer server;
  cluster::FakeNode agent("w-1", false);
  agent.on_run("ls -1", exec::CommandResult());
  agent.on_run("tasks list", exec::CommandResult());
  agent.on_run("containers list", exec::CommandResult());
  const Access access("lab", {&server.node, &agent});
  std::map<std::string, Json> pods;
  take_state(
      access,
      {.phase = Phase::before, .expected = {}},
      [&](const Json& event) {
        if (event["type"] == "state.static-pods") {
          pods[event["node"]] = event;
        }
      },
      kSoon);
  ASSERT_EQ(pods.size(), 2U);
  EXPECT_EQ(pods["cp-1"]["pods"].size(), 2U);
  EXPECT_EQ(pods["w-1"]["pods"], Json::array()) << pods["w-1"];
}

std::vector<Json> photograph(const Access& access) {
  std::vector<Json> events;
  take_state(
      access, {}, [&](Json event) { events.push_back(std::move(event)); }, kSoon);
  return events;
}

// What makes one part of a photograph of cp-2 impossible, and which kind must say so.
struct Broken {
  const char* kind;
  std::function<void(FakeServer&)> hurt;
};

std::function<void(FakeServer&)> http_fails(const char* text) {
  return [text](FakeServer& server) { server.node.on_http(text, 503, "away"); };
}

std::function<void(FakeServer&)> run_fails(const char* text) {
  return [text](FakeServer& server) {
    exec::CommandResult result;
    result.exit_status = 2;
    result.err = "away";
    server.node.on_run(text, result);
  };
}

std::vector<Broken> ways_to_break() {
  return {
      {"state.etcd", http_fails("maintenance/status")},
      {"state.etcd", http_fails("member/list")},
      {"state.etcd", http_fails("maintenance/alarm")},
      {"state.etcd", http_fails("maintenance/hash")},
      {"state.etcd",
       [](FakeServer& server) {
         server.node.on_http(":2381/health",
                             [](const cluster::HttpRequest&) -> Result<cluster::HttpResponse> {
                               return fail(ErrorCode::timed_out, "away");
                             });
       }},
      {"state.nodes", http_fails("/api/v1/nodes")},
      {"state.nodes",
       [](FakeServer& server) {
         server.node.on_http("/api/v1/nodes", 200, R"({"kind":"Status","message":"away"})");
       }},
      {"state.nodes", http_fails("kube-node-lease/leases")},
      {"state.static-pods", run_fails("ls -1")},
      {"state.static-pods", run_fails("tasks list")},
      {"state.static-pods", run_fails("containers list")},
      {"state.static-pods", run_fails("info c-etcd")},
      {"state.static-pods",
       [](FakeServer& server) {
         server.node.on_run("ls -1", [](const exec::Command&) {
           exec::CommandResult result;
           result.out = "etcd.yaml\nunreadable.yaml\n";
           return result;
         });
       }},
      {"state.unit", run_fails("systemctl show")},
      {"state.unit", run_fails("boot_id")},
      {"state.build", run_fails("/usr/local/bin/rke2 --version")},
      {"state.build", run_fails("readlink")},
      {"state.build", run_fails("journalctl")},
      {"state.clean",
       [](FakeServer& server) {
         server.node.on_guard("clean", std::vector<Json>{{{"type", "clean"}}});
       }},
  };
}

TEST(State, carries_an_error_for_each_part_of_each_node_that_could_not_be_taken) {
  for (const Broken& broken : ways_to_break()) {
    FakeServer first;
    FakeServer second("cp-2", "192.0.2.12");
    broken.hurt(second);
    const Access access("lab", {&first.node, &second.node});
    int found = 0;
    for (const Json& event : photograph(access)) {
      const bool its_own = event["node"] == "cp-2" && event["type"] == broken.kind;
      found += its_own ? 1 : 0;
      if (its_own) {
        EXPECT_NE(json_string(event, "error"), "") << event.dump();
      } else if (event["node"] == "cp-1") {
        EXPECT_FALSE(event.contains("error")) << broken.kind << ": " << event.dump();
      }
    }
    EXPECT_EQ(found, 1) << broken.kind;
  }
}

TEST(State, of_restarts_is_an_error_when_no_apiserver_tells_them) {
  FakeServer server;
  server.node.on_http("kube-system/pods", 200, R"({"kind":"Status"})");
  const Access access("lab", {&server.node});
  EXPECT_THAT(json_string(restarts_state(access, server.node, kSoon), "error"), HasSubstr("pods"));
}

TEST(State, of_a_lost_node_is_errors_only) {
  FakeServer server;
  server.node.lose_connection();
  const Access access("lab", {&server.node});
  std::vector<Json> events;
  take_state(
      access, {}, [&](Json event) { events.push_back(std::move(event)); }, kSoon);
  EXPECT_EQ(events.size(), 7u);
  for (const Json& event : events) {
    EXPECT_THAT(json_string(event, "error"), HasSubstr("connection reset")) << event.dump();
  }
}

}  // namespace
}  // namespace harness::observe
