// windows check as a pipeline meets it: exit statuses that tell a drift, files that are no
// journals, and what is written to --report.

#include <iterator>
#include <tuple>

#include "harness/cli/cli_fixture.h"

namespace harness::cli {
namespace {

// One start of a server as `journalctl -o short-iso-precise` prints it, trimmed to its markers.
std::string journal(const std::string& changed = "", const std::string& into = "") {
  static const std::vector<std::pair<std::string, std::string>> kLines = {
      {"systemd[1]", "Starting rke2-server.service - Rancher Kubernetes Engine v2 (server)..."},
      {"", "Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d0123456789012345678901234567)"},
      {"", "Managed etcd cluster bootstrap already complete and initialized"},
      {"", "Starting temporary etcd to reconcile with datastore"},
      {"", "Reconciling bootstrap data between datastore and disk"},
      {"",
       "Runtime image index.docker.io/rancher/rke2-runtime:v1.30.13-rc2-rke2r1 bin and charts "
       "directories already exist; skipping extract"},
      {"", "containerd is now running"},
      {"", "Running kubelet --node-name=cp-1"},
      {"", "Starting etcd for existing cluster member"},
      {"", "Connection to etcd is ready"},
      {"", "Pod for etcd is synced"},
      {"", "Pod for kube-apiserver is synced"},
      {"", "Kube API server is now running"},
      {"", "Applying Cluster Role Bindings"},
      {"", "Cluster Role Bindings applied successfully"},
      {"", "Setting runtimes"},
      {"", "rke2 is up and running"},
      {"systemd[1]", "Started rke2-server.service - Rancher Kubernetes Engine v2 (server)."}};
  std::string out;
  int second = 10;
  for (const auto& [ident, text] : kLines) {
    const std::string line = !changed.empty() && text == changed ? into : text;
    const std::string at = "2025-05-16T09:07:" + std::to_string(second++);
    out += at + ".123456+0000 cp-1 " + (ident.empty() ? "rke2[4711]" : ident) + ": " +
           (ident.empty() ? "time=\"" + at + "Z\" level=info msg=\"" + line + "\"" : line) + "\n";
  }
  return out;
}

TEST_F(Cli, finds_a_journal_that_is_as_the_packs_have_it) {
  const auto check = hookshot({"windows", "check", "--json", file("good.txt", journal())});
  EXPECT_EQ(check.exit_status, 0) << check.out << check.err;
  const Json json = json_of(check);
  ASSERT_EQ(json.size(), 1U);
  EXPECT_THAT(check.out, HasSubstr("v1.30.13-rc2+rke2r1"));
  EXPECT_THAT(check.out, HasSubstr("start-up-hooks"));
}

TEST_F(Cli, exits_with_1_where_a_journal_drifts_from_the_packs) {
  const std::string path = file("drift.txt", journal("rke2 is up and running", "rke2 is flying"));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 1) << check.out << check.err;
  EXPECT_THAT(json_of(check).dump(), HasSubstr("is flying"));
  const auto people = hookshot({"windows", "check", path});
  EXPECT_EQ(people.exit_status, 1);
  EXPECT_THAT(people.out, HasSubstr("is flying"));
  EXPECT_EQ(hookshot({"windows", "check", file("none.txt", "nothing of rke2\n")}).exit_status, 2);
}

TEST_F(Cli, proves_nothing_from_a_journal_that_holds_no_beginning) {
  const std::string whole = journal();
  const std::string path = file("middle.txt", whole.substr(whole.find("Connection to etcd") - 90));
  const auto people = hookshot({"windows", "check", path});
  EXPECT_EQ(people.exit_status, 4) << people.out << people.err;
  EXPECT_THAT(people.out, HasSubstr("no start was seen"));
  EXPECT_THAT(people.out, testing::Not(HasSubstr("Nothing differs")));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 4);
  EXPECT_EQ(json_of(check)[0]["verdict"], "unproven");
}

TEST_F(Cli, tells_bytes_that_are_no_characters_as_json_too) {
  const std::string path = file("bytes.txt", journal("Pod for etcd is synced", "Pod \xff\xfe"));
  const auto check = hookshot({"windows", "check", "--json", path});
  EXPECT_EQ(check.exit_status, 1) << check.err;
  EXPECT_THAT(json_of(check).dump(), HasSubstr("Pod"));
}

TEST_F(Cli, names_every_node_whose_journal_it_cannot_read) {
  const std::string path = file("two.yaml",
                                "cluster: lab-a\nssh: {user: root, known_hosts: known_hosts}\n"
                                "nodes:\n"
                                "  - {name: cp-1, address: 127.0.0.1, roles: [server], port: 1}\n"
                                "  - {name: w-1, address: 127.0.0.1, roles: [agent], port: 2}\n"
                                "install: {method: tarball, artifacts: none}\n");
  const auto check = hookshot({"windows", "check", "--json", "-i", path});
  EXPECT_EQ(check.exit_status, 3) << check.out << check.err;
  EXPECT_THAT(check.err, testing::AllOf(HasSubstr("cp-1"), HasSubstr("w-1")));
  const Json json = json_of(check);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[1]["source"], "w-1");
  EXPECT_EQ(json[1]["verdict"], "error");
  EXPECT_EQ(hookshot({"windows", "check", "-i", path, "--since", "soon"}).exit_status, 2);
}

class CheckReport : public Cli {
 protected:
  exec::CommandResult check(const std::string& journal, const std::string& report) {
    return hookshot({"windows", "check", journal, "--report", report});
  }

  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string drifting() {
    return file("drift.txt", journal("rke2 is up and running", "rke2 is flying"));
  }
};

TEST_F(Cli, says_why_a_journal_cannot_be_read_and_what_to_give) {
  const std::string cut = file("cut.journal", "LPKSHHRH" + std::string(100, '\0'));
  for (const auto& [path, why, then] :
       {std::tuple<std::string, std::string, std::string>{
            "/nonexistent/journal", "No such file or directory", "journalctl -o json"},
        {directory_.string(), "Is a directory", "one of the journal files in it"},
        {cut, "ends before byte 208", "copy it anew and whole"}}) {
    const auto check = hookshot({"windows", "check", path});
    EXPECT_EQ(check.exit_status, 2) << path;
    EXPECT_EQ(check.err.find("hookshot: windows check: " + path), 0U) << check.err;
    EXPECT_THAT(check.err, testing::AllOf(HasSubstr(why), HasSubstr(then)));
  }
}

TEST_F(CheckReport, is_opened_before_any_journal_is_read) {
  const std::string nowhere = (directory_ / "no-such-folder/report.md").string();
  const auto early = check("/nonexistent/journal", nowhere);
  EXPECT_EQ(early.exit_status, 2);
  EXPECT_THAT(early.err,
              HasSubstr("--report: " + nowhere + " cannot be written: No such file or directory"));
  const auto read = check(drifting(), nowhere);
  EXPECT_EQ(read.exit_status, 2);
  EXPECT_EQ(read.out, "") << "nothing was judged in vain";
}

TEST_F(CheckReport, keeps_what_it_held_until_there_is_something_to_write) {
  const std::string before = file("report.md", "of an earlier check\n");
  const std::string fresh = (directory_ / "fresh.md").string();
  for (const std::string& report : {before, fresh}) {
    EXPECT_EQ(check("/nonexistent/journal", report).exit_status, 2);
  }
  EXPECT_EQ(text_of(before), "of an earlier check\n");
  EXPECT_FALSE(std::filesystem::exists(fresh)) << "made for nothing";
  EXPECT_EQ(check(drifting(), before).exit_status, 1);
  EXPECT_THAT(text_of(before),
              testing::AllOf(HasSubstr("is flying"), testing::Not(HasSubstr("earlier check"))));
}

TEST_F(CheckReport, that_is_lost_hides_no_drift_and_is_no_success) {
  const auto drift = check(drifting(), "/dev/full");
  EXPECT_EQ(drift.exit_status, 1) << drift.err;
  EXPECT_THAT(drift.err, HasSubstr("/dev/full cannot be written: No space left on device"));
  EXPECT_THAT(drift.out, HasSubstr("is flying"));
}

}  // namespace
}  // namespace harness::cli
