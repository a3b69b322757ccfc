// What is given to the shell of a node, whatever is asked of the node: constants of ours, seen
// where sshd hands them over. All that a caller brings travels on standard input.
#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/cluster/ssh_node.h"
#include "harness/exec/local_runner.h"
#include "harness/guard/protocol.h"
#include "harness/ssh/local_sshd.h"

namespace harness::cluster {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Eq;
using testing::IsEmpty;
using testing::MatchesRegex;

Deadline soon() {
  return Deadline::after(std::chrono::seconds(60));
}

std::vector<std::string> parts_of(const fs::path& file, char end) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> out;
  for (std::string one; std::getline(in, one, end);) {
    out.push_back(one);
  }
  return out;
}

// An sshd that notes what it would have the shell run, and a guard that notes what it is asked.
class CommandLines : public testing::Test {
 protected:
  void SetUp() override {
    std::string made = (fs::temp_directory_path() / "hookshot-lines-XXXXXX").string();
    ASSERT_NE(::mkdtemp(made.data()), nullptr);
    folder_ = made;
    fs::create_directories(folder_ / "state");
    script("note",
           fmt::format("printf '%s\\036' \"$SSH_ORIGINAL_COMMAND\" >> {0}/lines\n"
                       "case $SSH_ORIGINAL_COMMAND in *sftp*) for at in /usr/lib/openssh "
                       "/usr/libexec/openssh /usr/lib/ssh; do\n"
                       "[ -x $at/sftp-server ] && exec $at/sftp-server; done; exit 1;; esac\n"
                       "exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"",
                       folder_.string()));
    script("state/guard",
           fmt::format("IFS= read -r record\nprintf '%s\\n' \"$record\" >> {}/records\n"
                       "echo '{{\"type\":\"facts\",\"boot_id\":\"b\",\"b64\":\"\"}}'\n"
                       "echo '{{\"type\":\"exit\",\"status\":0}}'\n"
                       "echo '{{\"type\":\"done\"}}'",
                       folder_.string()));
    auto started = ssh::LocalSshd::start({"ForceCommand " + (folder_ / "note").string()});
    if (!started) {
      GTEST_SKIP() << started.error().message();
    }
    sshd_ = std::move(*started);
  }

  void TearDown() override {
    sshd_.reset();
    fs::remove_all(folder_);
  }

  void script(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }

  std::string guard() const { return (folder_ / "state" / "guard").string(); }

  // What would happen if a shell read any word of it.
  std::string hostile() const {
    const std::string mark = (folder_ / "harmed").string();
    return fmt::format("'; touch {0}; $(touch {0}) `touch {0}` \" & | > {0}\n*~\\", mark);
  }

  SshNodeConfig config() {
    const auto sum = exec::LocalRunner().run({.argv = {"sha256sum", guard()}}, soon());
    sha256_ = sum->out.substr(0, 64);
    SshNodeConfig made{
        .cluster = hostile(), .server = true, .data_dir = hostile(), .target = sshd_->target()};
    made.guard = {.bytes = kOther, .sha256 = sha256_, .path = guard()};
    return made;
  }

  std::unique_ptr<SshNode> connect() {
    auto node = SshNode::connect(config(), soon());
    EXPECT_TRUE(node) << node.error().message() << sshd_->log();
    return node ? std::move(*node) : nullptr;
  }

  // Since the last time.
  std::vector<std::string> lines() {
    auto out = parts_of(folder_ / "lines", '\036');
    fs::remove(folder_ / "lines");
    return out;
  }

  // But for the look at the guard's digest, which some verbs need.
  std::vector<std::string> lines_but_looks() {
    std::vector<std::string> out = lines();
    std::erase(out, look());
    return out;
  }

  Json last_record() const {
    const auto all = parts_of(folder_ / "records", '\n');
    return all.empty() ? Json() : parse_json(all.back()).value_or(Json());
  }

  std::string of_verb(std::string_view verb) const {
    return fmt::format("/usr/bin/env LC_ALL=C {} {}", guard(), verb);
  }

  std::string look() const { return "/usr/bin/env LC_ALL=C /usr/bin/sha256sum " + guard(); }

  Json hostile_record() const {
    Json one = {{"cluster", hostile()}, {"id", hostile()}, {"path", hostile()}};
    one["argv"] = {hostile(), "-rf", "$IFS"};
    one["params"] = {{hostile(), hostile()}};
    one["action"] = {{"do", hostile()}, {"pod", hostile()}, {"addresses", {hostile()}}};
    one["long"] = std::string(2'000, ';');
    return one;
  }

  static constexpr std::array<unsigned char, 3> kOther = {'o', 'l', 'd'};

  fs::path folder_;
  std::string sha256_;
  std::unique_ptr<ssh::LocalSshd> sshd_;
};

TEST_F(CommandLines, are_one_for_each_verb_whatever_its_record_holds) {
  const auto node = connect();
  ASSERT_TRUE(node);
  EXPECT_THAT(lines(), ElementsAre(look(), look(), of_verb("facts")));
  for (const std::string_view verb : guard::kVerbs) {
    for (const Json& record : {Json::object(), hostile_record()}) {
      static_cast<void>(node->guard(verb, record, soon()));
      EXPECT_THAT(lines_but_looks(), ElementsAre(of_verb(verb)));
      EXPECT_EQ(last_record(), record) << verb;
    }
    const auto stream = node->guard_stream(verb, hostile_record(), soon());
    ASSERT_TRUE(stream) << stream.error().message();
    EXPECT_TRUE((*stream)->next(soon())) << "it answers, so it was asked";
    EXPECT_THAT(lines_but_looks(), ElementsAre(of_verb(verb)));
    EXPECT_EQ(last_record(), hostile_record()) << verb;
  }
  EXPECT_FALSE(node->guard(hostile(), Json::object(), soon()));
  EXPECT_FALSE(node->guard_stream("facts; id", Json::object(), soon()));
  EXPECT_THAT(lines(), IsEmpty()) << "what is no verb is not sent";
  EXPECT_FALSE(fs::exists(folder_ / "harmed"));
}

TEST_F(CommandLines, are_constants_for_all_else_that_a_node_does) {
  const auto node = connect();
  ASSERT_TRUE(node);
  lines();
  const exec::Command command{.argv = {hostile(), hostile()},
                              .env = {{"HOSTILE", hostile()}, {hostile(), "x"}},
                              .input = hostile()};
  EXPECT_TRUE(node->run(command, soon()));
  EXPECT_EQ(last_record()["argv"], Json(command.argv));
  EXPECT_TRUE(node->read_file(hostile(), soon()));
  EXPECT_EQ(last_record()["path"], hostile());
  std::ofstream(folder_ / "local") << "content";
  static_cast<void>(node->upload(folder_ / "local", hostile(), 0600, soon()));
  EXPECT_EQ(last_record()["argv"].back(), hostile());
  static_cast<void>(node->http({.port = 1, .path = hostile(), .tls = false}, soon()));
  static_cast<void>(node->check_lease(soon()));
  const auto given = lines();
  EXPECT_THAT(given,
              Each(AnyOf(Eq(look()),
                         Eq(of_verb("exec")),
                         Eq(of_verb("read")),
                         Eq("internal-sftp"),
                         Eq("/usr/bin/env LC_ALL=C /bin/cat /proc/sys/kernel/random/boot_id " +
                            (folder_ / "state" / "lease.json").string()))));
  EXPECT_THAT(given, Contains("internal-sftp"));
  EXPECT_FALSE(fs::exists(folder_ / "harmed"));
}

// What the node says of itself is as little trusted as what the caller says.
TEST_F(CommandLines, take_nothing_from_the_node_when_its_guard_is_replaced) {
  const fs::path armed = folder_ / "state" / "armed";
  const std::string in = "/usr/bin/env LC_ALL=C ";
  const auto constants = [&] {
    return AnyOf(
        Eq(look()),
        Eq(of_verb("facts")),
        Eq("internal-sftp"),
        Eq(in + "/bin/uname -m"),
        Eq(in + "/bin/cat /sys/fs/selinux/enforce"),
        Eq(in + "/usr/bin/chcon -t bin_t " + guard()),
        Eq(in + "/bin/cat /proc/sys/kernel/random/boot_id " +
           (folder_ / "state" / "lease.json").string()),
        Eq(in + "/bin/ls -1 " + armed.string()),
        Eq(in + "/usr/bin/find " + armed.string() +
           " -mindepth 2 -maxdepth 2 -name record.json -printf '%P\\n' -exec /bin/cat {} ';' "
           "-quit"),
        MatchesRegex(in + "/usr/bin/install -D -m 0700 -o root -g root \\.hookshot-[0-9a-f]{16} " +
                     guard()));
  };
  for (const std::string name : {"h-1", "$(touch harmed)", "a;id", "-rf", "`id`", "a b\nc"}) {
    fs::create_directories(armed / name);
    std::ofstream(armed / name / "record.json") << R"({"fault": "move-manifest", "run": "r"})";
    SshNodeConfig another = config();
    another.guard.sha256 = "of another build";
    const auto refused = SshNode::connect(another, soon());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::refused) << refused.error().message();
    EXPECT_THAT(lines(), Each(constants()));
    fs::remove_all(armed / name);
  }
  SshNodeConfig another = config();
  another.guard.sha256 = "of another build";
  static_cast<void>(SshNode::connect(another, soon()));
  const auto given = lines();
  EXPECT_THAT(given, Each(constants()));
  EXPECT_THAT(given, Contains(MatchesRegex(".*/usr/bin/install .*")));
  another.become_sudo = true;
  static_cast<void>(SshNode::connect(another, soon()));
  EXPECT_THAT(lines(), ElementsAre(in + "sudo -n /usr/bin/sha256sum " + guard()));
}

}  // namespace
}  // namespace harness::cluster
