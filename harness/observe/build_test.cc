#include "harness/observe/build.h"

#include <gmock/gmock.h>

#include "harness/observe/fake_server.h"
#include "harness/observe/unit_state.h"

namespace harness::observe {
namespace {

using testing::HasSubstr;

const Deadline kSoon = Deadline::after(std::chrono::seconds(5));

TEST(Build, reads_version_and_commit_of_a_release_candidate) {
  const auto found = parse_version_output(
      "rke2 version v1.30.13-rc2+rke2r1 (1b9bb73c846d0000000000000000000000000000)\ngo version "
      "x\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, "v1.30.13-rc2+rke2r1");
  EXPECT_EQ(found->commit, "1b9bb73c846d0000000000000000000000000000");
}

TEST(Build, refuses_text_that_is_not_a_version) {
  const auto found = parse_version_output("command not found\n");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(found.error().message(), HasSubstr("command not found"));
}

TEST(Build, says_when_rke2_is_not_installed) {
  FakeServer server;
  server.installed = false;
  const auto found = read_installed(server.node, kSoon);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(found.error().message(), HasSubstr("cp-1"));
}

TEST(Build, takes_the_running_build_from_the_invocation_s_own_line) {
  FakeServer server;
  server.running = "v1.30.13-rc1+rke2r1";
  const auto found = running_build(server.node, server.invocation, kSoon);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "v1.30.13-rc1+rke2r1");
  EXPECT_THAT(server.node.traffic().back().text,
              HasSubstr("_SYSTEMD_INVOCATION_ID=" + server.invocation));
}

TEST(Build, takes_the_running_build_of_an_agent_too) {
  FakeServer worker("w-1", "192.0.2.21", false);
  worker.running = "v1.30.13-rc1+rke2r1";
  const auto found = running_build(worker.node, worker.invocation, kSoon);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "v1.30.13-rc1+rke2r1");
  EXPECT_THAT(worker.node.traffic().back().text, HasSubstr("Starting rke2 (agent )?v"));
}

TEST(Build, tells_the_stand_in_from_the_product_and_keeps_all_that_it_said) {
  const std::string product =
      "rke2 version v1.30.12+rke2r1 (1b9b)\ngo version go1.23.8 X:boringcrypto\n";
  const std::string standin = product + "stand-in for rke2 (hookshot lab), not the product\n";
  const auto real = parse_version_output(product);
  const auto lab = parse_version_output(standin);
  ASSERT_TRUE(real && lab);
  EXPECT_FALSE(real->standin);
  EXPECT_TRUE(lab->standin);
  EXPECT_EQ(lab->version, real->version);
  EXPECT_EQ(lab->text + "\n", standin);
}

TEST(Build, has_no_running_build_before_the_line_is_there) {
  FakeServer server;
  server.running.clear();
  const auto found = running_build(server.node, server.invocation, kSoon);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "");
}

TEST(Build, keeps_unreachable_when_the_connection_is_lost) {
  FakeServer server;
  server.node.lose_connection();
  EXPECT_EQ(read_installed(server.node, kSoon).error().code(), ErrorCode::unreachable);
  EXPECT_EQ(running_build(server.node, "x", kSoon).error().code(), ErrorCode::unreachable);
  EXPECT_EQ(data_directory(server.node, kSoon).error().code(), ErrorCode::unreachable);
}

TEST(UnitState, reads_what_systemd_says_with_the_boot_it_says_it_in) {
  FakeServer server;
  server.active = "activating";
  server.sub = "start";
  server.n_restarts = 2;
  server.job = "4711";
  server.boot = "0a1b-2c3d";
  const auto unit = read_unit(server.node, kSoon);
  ASSERT_TRUE(unit);
  EXPECT_EQ(unit->active, "activating");
  EXPECT_EQ(unit->n_restarts, 2);
  EXPECT_EQ(unit->job, "4711");
  EXPECT_EQ(unit->boot_id, "0a1b-2c3d");
  EXPECT_THAT(unit->describe(), HasSubstr("activating (start)"));
  EXPECT_THAT(unit->describe(), HasSubstr("2 restarts"));
  EXPECT_EQ(unit->to_json("rke2-server.service")["sub"], "start");
}

}  // namespace
}  // namespace harness::observe
