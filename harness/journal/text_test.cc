// Text of systemd before 250 and of distributions that keep `StatusUnitFormat=description`: the
// lines that tell a start do not name the unit.

#include "harness/journal/read_fixture.h"

namespace harness::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> placed(const std::vector<Entry>& entries) {
  std::vector<std::string> out;
  for (const Entry& entry : entries) {
    out.push_back(entry.invocation + " " + entry.unit + " " + entry.ident);
  }
  return out;
}

constexpr const char* kServerStart =
    "May 16 09:07:39 cp-1 systemd[1]: Starting Rancher Kubernetes Engine v2 (server)...\n"
    "May 16 09:07:39 cp-1 sh[4700]: + /usr/bin/systemctl is-enabled --quiet "
    "nm-cloud-setup.service\n"
    "May 16 09:07:39 cp-1 sh[4702]: Failed to get unit file state for nm-cloud-setup.service: No "
    "such file or directory\n"
    "May 16 09:07:40 cp-1 rke2[4711]: time=\"2025-05-16T09:07:40Z\" level=warning msg=\"not "
    "running in CIS mode\"\n"
    "May 16 09:08:09 cp-1 systemd[1]: Started Rancher Kubernetes Engine v2 (server).\n";

TEST_F(Journal, takes_the_description_alone_for_the_unit) {
  EXPECT_THAT(placed(read_back(kServerStart, Form::text)),
              ElementsAre("run-1 rke2-server.service systemd",
                          "run-1 rke2-server.service sh",
                          "run-1 rke2-server.service sh",
                          "run-1 rke2-server.service rke2",
                          "run-1 rke2-server.service systemd"));
}

TEST_F(Journal, holds_an_agent_for_an_agent_and_one_start_for_one) {
  EXPECT_THAT(
      placed(read_back(
          "May 16 09:07:39 w-1 systemd[1]: Starting Rancher Kubernetes Engine v2 (agent)...\n"
          "May 16 09:07:40 w-1 rke2[811]: a\n"
          "May 16 09:07:50 w-1 systemd[1]: rke2-agent.service: Main process exited, code=exited\n"
          "May 16 09:07:50 w-1 systemd[1]: Failed to start Rancher Kubernetes Engine v2 (agent).\n"
          "May 16 09:07:55 w-1 systemd[1]: Stopped Rancher Kubernetes Engine v2 (agent).\n"
          "May 16 09:07:55 w-1 systemd[1]: Starting Rancher Kubernetes Engine v2 (agent)...\n"
          "May 16 09:07:56 w-1 rke2[902]: b\n",
          Form::text)),
      ElementsAre("run-1 rke2-agent.service systemd",
                  "run-1 rke2-agent.service rke2",
                  "run-1 rke2-agent.service systemd",
                  "run-1 rke2-agent.service systemd",
                  "run-1 rke2-agent.service systemd",
                  "run-2 rke2-agent.service systemd",
                  "run-2 rke2-agent.service rke2"));
}

TEST_F(Journal, takes_the_line_before_the_process_for_a_start_where_systemd_is_not_heard) {
  EXPECT_THAT(placed(read_back("May 16 09:07:39 cp-1 sh[50]: + /usr/bin/systemctl is-enabled "
                               "--quiet nm-cloud-setup.service\n"
                               "May 16 09:07:40 cp-1 rke2[51]: a\n"
                               "May 16 09:07:45 cp-1 sh[60]: + /usr/bin/systemctl is-enabled "
                               "--quiet nm-cloud-setup.service\n"
                               "May 16 09:07:46 cp-1 rke2[61]: b\n",
                               Form::text)),
              ElementsAre("run-1  sh", "run-1  rke2", "run-2  sh", "run-2  rke2"));
}

TEST_F(Journal, takes_no_other_process_for_systemd_and_no_other_unit_for_ours) {
  EXPECT_THAT(
      read_back(
          "May 16 09:07:39 cp-1 systemd[977]: Starting Rancher Kubernetes Engine v2 (server)...\n"
          "May 16 09:07:39 cp-1 systemd[1]: Starting kick.service - Restarts "
          "rke2-server.service...\n"
          "May 16 09:07:39 cp-1 sh[50]: + /usr/local/bin/backup\n",
          Form::text),
      IsEmpty());
}

TEST_F(Journal, knows_the_host_and_a_message_that_is_not_printed) {
  const auto entries = read_back(
      "May 16 09:07:39 cp-1 rke2[51]: a\n"
      "May 16 09:07:40 cp-1 rke2[51]: [4.5K blob data]\n",
      Form::text);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].host, "cp-1");
  EXPECT_FALSE(entries[0].without_text);
  EXPECT_TRUE(entries[1].without_text);
  EXPECT_EQ(without_text_, 1U);
}

}  // namespace
}  // namespace harness::journal
