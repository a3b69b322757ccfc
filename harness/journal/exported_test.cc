// Who may speak for a unit, and messages that a form leaves out.

#include "harness/guard/journal_fixture.h"
#include "harness/journal/read_fixture.h"

namespace harness::journal {
namespace {

// What `logger --journald` makes of UNIT=, INVOCATION_ID= and SYSLOG_IDENTIFIER= that a user gives
// it.
constexpr const char* kForgedJson =
    R"({"__REALTIME_TIMESTAMP":"5","_PID":"4242","_UID":"1000","_COMM":"logger","SYSLOG_IDENTIFIER":"systemd","UNIT":"rke2-server.service","INVOCATION_ID":"forged","_SYSTEMD_UNIT":"session-3.scope","_SYSTEMD_INVOCATION_ID":"s3","MESSAGE":"Starting rke2-server.service - Rancher Kubernetes Engine v2 (server)..."}
{"__REALTIME_TIMESTAMP":"6","_PID":"42","SYSLOG_IDENTIFIER":"rke2","UNIT":"rke2-agent.service","INVOCATION_ID":"forged","_SYSTEMD_UNIT":"rke2-server.service","_SYSTEMD_INVOCATION_ID":"i1","MESSAGE":"of the unit itself"}
)";

TEST_F(Journal, takes_nothing_from_a_foreign_unit_that_names_ours_in_json) {
  const auto entries = read_back(kForgedJson, Form::json);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].message, "of the unit itself");
  EXPECT_EQ(entries[0].unit, "rke2-server.service");
  EXPECT_EQ(entries[0].invocation, "i1") << "its own, whatever else it says";
}

TEST_F(Journal, takes_nothing_from_a_foreign_unit_that_names_ours_in_export) {
  const std::string about =
      "SYSLOG_IDENTIFIER=systemd\nUNIT=rke2-server.service\nINVOCATION_ID=i7\n"
      "MESSAGE=Starting rke2-server.service - Rancher Kubernetes Engine v2 (server)...\n";
  const auto entries = read_back("__REALTIME_TIMESTAMP=5\n" + about +
                                     "_PID=4242\n_SYSTEMD_UNIT=cron.service\n\n"
                                     "__REALTIME_TIMESTAMP=6\n" +
                                     about + "_PID=1\n_SYSTEMD_UNIT=init.scope\n\n",
                                 Form::exported);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].wall_us, 6);
  EXPECT_EQ(entries[0].pid, 1);
  EXPECT_EQ(entries[0].invocation, "i7");
}

TEST_F(Journal, takes_nothing_from_a_foreign_unit_that_names_ours_in_a_journal_file) {
  guard::JournalFixture fixture(guard::JournalFixture::Layout::regular);
  for (const char* pid : {"_PID=4242", "_PID=1"}) {
    fixture.add(5,
                5,
                {{"UNIT=rke2-server.service"},
                 {"INVOCATION_ID=i7"},
                 {"SYSLOG_IDENTIFIER=systemd"},
                 {pid},
                 {"_HOSTNAME=cp-1"},
                 {"_SYSTEMD_UNIT=init.scope"},
                 {"MESSAGE=Starting rke2-server.service"}});
  }
  fixture.write(path_);
  const auto entries = read_back(Form::file);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].pid, 1);
  EXPECT_EQ(entries[0].host, "cp-1");
}

// journalctl prints `null` for a field of more than 4096 bytes, unless it is given --all.
TEST_F(Journal, counts_messages_that_json_leaves_out) {
  const auto entries = read_back(
      R"({"_SYSTEMD_UNIT":"rke2-server.service","_SYSTEMD_INVOCATION_ID":"i1","_PID":"4","SYSLOG_IDENTIFIER":"rke2","MESSAGE":null}
{"_SYSTEMD_UNIT":"rke2-server.service","_SYSTEMD_INVOCATION_ID":"i1","_PID":"4","SYSLOG_IDENTIFIER":"rke2","_CMDLINE":null,"MESSAGE":"b"}
{"_SYSTEMD_UNIT":"cron.service","UNIT":"rke2-server.service","_PID":"9","MESSAGE":null}
)",
      Form::json);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_TRUE(entries[0].without_text);
  EXPECT_FALSE(entries[1].without_text) << "only the message counts";
  EXPECT_EQ(without_text_, 1U);
  EXPECT_EQ(unreadable_, 0U);
}

}  // namespace
}  // namespace harness::journal
