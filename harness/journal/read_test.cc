#include "harness/guard/journal_fixture.h"
#include "harness/journal/read_fixture.h"

namespace harness::journal {
namespace {

using testing::HasSubstr;

constexpr const char* kJson =
    R"({"__REALTIME_TIMESTAMP":"1747386459000001","__MONOTONIC_TIMESTAMP":"77","_BOOT_ID":"b1","_PID":"1","SYSLOG_IDENTIFIER":"systemd","UNIT":"rke2-server.service","INVOCATION_ID":"i1","_SYSTEMD_UNIT":"init.scope","_SYSTEMD_INVOCATION_ID":"init","MESSAGE":"Starting rke2-server.service..."}
{"_SYSTEMD_UNIT":"sshd.service","MESSAGE":"rke2-server.service is only talked about"}
{"_SYSTEMD_UNIT":"rke2-server.service","_SYSTEMD_INVOCATION_ID":"i1","_PID":"42","SYSLOG_IDENTIFIER":"rke2","MESSAGE":[104,195,182,104,101]}
{"_SYSTEMD_UNIT":"rke2-server.service", broken
)";

TEST_F(Journal, reads_json_lines_of_rke2_and_of_systemd_about_it) {
  const auto entries = read_back(kJson, Form::json);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].invocation, "i1");
  EXPECT_EQ(entries[0].ident, "systemd");
  EXPECT_EQ(entries[0].wall_us, 1747386459000001);
  EXPECT_EQ(entries[0].mono_us, 77);
  EXPECT_EQ(entries[1].message, "höhe") << "bytes that are an array in JSON";
  EXPECT_EQ(entries[1].pid, 42);
  EXPECT_EQ(unreadable_, 1U);
}

TEST_F(Journal, reads_export_with_a_field_of_several_lines) {
  std::string text = "__REALTIME_TIMESTAMP=5\n_SYSTEMD_UNIT=rke2-agent.service\n_PID=7\nMESSAGE\n";
  const std::string message = "panic: a\n\ngoroutine 1";
  const std::uint64_t size = message.size();
  text.append(reinterpret_cast<const char*>(&size), sizeof size);
  text += message +
          "\n_SYSTEMD_INVOCATION_ID=i2\n\n__REALTIME_TIMESTAMP=6\n_SYSTEMD_UNIT=cron.service\n\n";
  const auto entries = read_back(text, Form::exported);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].message, message);
  EXPECT_EQ(entries[0].invocation, "i2") << "fields after the binary one";
  EXPECT_EQ(entries[0].unit, "rke2-agent.service");
}

TEST_F(Journal, survives_an_export_that_is_cut_in_a_binary_field) {
  std::string text = "__CURSOR=x\n_SYSTEMD_UNIT=rke2-server.service\nMESSAGE\n";
  text.append("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  read_back(text + "short", Form::exported);
  EXPECT_GE(unreadable_, 1U);
}

TEST_F(Journal, splits_text_into_invocations_and_boots) {
  const auto entries = read_back(
      "-- Logs begin at Fri 2025-05-16. --\n"
      "May 16 09:07:39 cp-1 systemd[1]: Starting rke2-server.service - Rancher...\n"
      "May 16 09:07:39 cp-1 rke2[42]: time=\"x\" level=info msg=\"a\"\n"
      "    its second line\n"
      "May 16 09:07:40 cp-1 kernel: something\n"
      "May 16 09:07:44 cp-1 systemd[1]: Starting rke2-server.service - Rancher...\n"
      "May 16 09:07:45 cp-1 rke2[43]: b\n"
      "May 16 09:07:46 cp-1 rke2[99]: c, of a child of that start\n"
      "-- Boot 0123 --\n"
      "May 16 09:08:00 cp-1 rke2[5]: d\n"
      "May 16 09:08:01 cp-1 rke2[6]: e, another process, and no line of systemd\n"
      "May 16 09:08:00 cp-1 sshd[5]: rke2[4]: not ours\n",
      Form::text);
  std::vector<std::string> runs;
  for (const Entry& entry : entries) {
    runs.push_back(entry.boot_id + " " + entry.invocation + " " + entry.message.substr(0, 1));
  }
  EXPECT_THAT(runs,
              testing::ElementsAre("boot-1 run-1 S",
                                   "boot-1 run-1 t",
                                   "boot-1 run-2 S",
                                   "boot-1 run-2 b",
                                   "boot-1 run-2 c",
                                   "boot-2 run-3 d",
                                   "boot-2 run-4 e"));
  EXPECT_EQ(entries[3].wall_us - entries[1].wall_us, 6'000'000);
  EXPECT_EQ(unreadable_, 1U) << "the kernel's line carries no process";
}

TEST_F(Journal, reads_the_times_of_every_text_form) {
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"May 16 09:07:39", "May 16 09:07:41"},
      {"May 16 09:07:39.250000", "May 16 09:07:41.250000"},
      {"Mär 16 09:07:39", "Mär 16 09:07:41"},
      {"2025-05-16T09:07:39+0200", "2025-05-16T09:07:41+0200"},
      {"2025-12-31T23:59:59.500000+00:00", "2026-01-01T00:00:01.500000+00:00"},
      {"1747386459.123456", "1747386461.123456"},
      {"[   12.345678]", "[   14.345678]"},
      {"[10012.345678]", "[10014.345678]"},
      {"Fri 2025-05-16 09:07:39 UTC", "Fri 2025-05-16 09:07:41 UTC"}};
  for (const auto& [first, second] : forms) {
    const auto entries =
        read_back(first + " cp-1 rke2[4]: a\n" + second + " cp-1 rke2[4]: b\n", Form::text);
    ASSERT_EQ(entries.size(), 2U) << first;
    EXPECT_EQ(entries[1].wall_us - entries[0].wall_us, 2'000'000) << first;
  }
}

TEST_F(Journal, reads_a_journal_file) {
  guard::JournalFixture fixture(guard::JournalFixture::Layout::compact);
  for (int i = 0; i < 9; ++i) {
    fixture.add(1000 + i,
                i,
                {{"_SYSTEMD_UNIT=rke2-server.service"},
                 {"_SYSTEMD_INVOCATION_ID=i9"},
                 {"SYSLOG_IDENTIFIER=rke2"},
                 {"_PID=4"},
                 {"MESSAGE=line " + std::to_string(i)}});
  }
  fixture.add(2000, 9, {{"_SYSTEMD_UNIT=cron.service"}, {"MESSAGE=no"}});
  fixture.write(path_);
  const auto entries = read_back(Form::file);
  ASSERT_EQ(entries.size(), 9U);
  EXPECT_EQ(entries[8].message, "line 8");
  EXPECT_EQ(entries[8].wall_us, 1008);
  EXPECT_EQ(entries[8].invocation, "i9");
}

TEST_F(Journal, refuses_what_is_no_journal_and_says_what_to_do) {
  const auto refused = [&](const std::string& content) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
    const auto report = read(path_, [](const Entry&) {});
    EXPECT_FALSE(report);
    EXPECT_EQ(report.error().code(), ErrorCode::invalid_input);
    return report.error().message();
  };
  EXPECT_THAT(refused(""), HasSubstr("is empty"));
  EXPECT_THAT(refused(std::string("\x1f\x8b\x08\x00", 4)), HasSubstr("gunzip"));
  EXPECT_THAT(refused(std::string("\x7f"
                                  "ELF\0\0",
                                  6)),
              HasSubstr("is no journal"));
  EXPECT_THAT(refused("hello\nworld\n"), HasSubstr("no line looks like"));
}

TEST_F(Journal, says_why_a_file_cannot_be_read) {
  for (const auto& [path, why] :
       {std::pair("/nonexistent/journal", "No such file or directory; name a journal file"),
        {"/", "Is a directory; name one of the journal files in it"},
        {"/proc/self/mem", "Input/output error"}}) {
    const auto report = read(path, [](const Entry&) {});
    ASSERT_FALSE(report) << path;
    EXPECT_EQ(report.error().code(), ErrorCode::invalid_input);
    EXPECT_THAT(report.error().message(), HasSubstr(std::string(path) + " cannot be read: " + why));
  }
}

}  // namespace
}  // namespace harness::journal
