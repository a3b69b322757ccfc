// Nodes against a real sshd of this machine's own. Root is needed, since the guard belongs to root.
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/eventually.h"
#include "harness/cluster/facts.h"
#include "harness/cluster/ssh_node.h"
#include "harness/exec/local_runner.h"
#include "harness/guard/embedded.h"
#include "harness/ssh/local_sshd.h"

namespace harness::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

Deadline soon() {
  return Deadline::after(seconds(60));
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class NodeOnSshd : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(const std::vector<std::string>& config) {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "not root: the guard is installed as root";
    }
    auto started = ssh::LocalSshd::start(config);
    if (!started) {
      GTEST_SKIP() << started.error().message();
    }
    sshd_ = std::move(*started);
    folder_ = sshd_->folder();
  }

  std::string path() const { return (folder_ / "state" / "guard").string(); }

  SshNodeConfig config() const {
    SshNodeConfig config{.cluster = "lab-a", .server = true, .target = sshd_->target()};
    config.guard = {.bytes = guard::binary(), .sha256 = guard::sha256(), .path = path()};
    return config;
  }

  // A guard that is a script, for what the real one does not do at will.
  SshNodeConfig scripted(const std::string& cases) {
    script_ =
        "#!/bin/sh\ncase $1 in\nfacts) cat >/dev/null; echo "
        "'{\"type\":\"facts\",\"boot_id\":\"'$(cat " +
        (folder_ / "boot").string() + ")'\"}';;\n" + cases + "\nesac\necho '{\"type\":\"done\"}'\n";
    std::ofstream(folder_ / "script") << script_;
    std::ofstream(folder_ / "boot") << "boot-1";
    const auto sum =
        exec::LocalRunner().run({.argv = {"sha256sum", (folder_ / "script").string()}}, soon());
    sha256_ = sum->out.substr(0, 64);
    SshNodeConfig made = config();
    made.guard = {.bytes = {reinterpret_cast<const unsigned char*>(script_.data()), script_.size()},
                  .sha256 = sha256_,
                  .path = path()};
    return made;
  }

  std::unique_ptr<SshNode> connect(SshNodeConfig made) {
    auto node = SshNode::connect(std::move(made), soon());
    EXPECT_TRUE(node) << node.error().message() << sshd_->log();
    return node ? std::move(*node) : nullptr;
  }

  Error refusal(SshNodeConfig made) {
    const auto node = SshNode::connect(std::move(made), soon());
    EXPECT_FALSE(node);
    return node ? Error(ErrorCode::internal, "connected") : node.error();
  }

  std::unique_ptr<ssh::LocalSshd> sshd_;
  std::filesystem::path folder_;
  std::string script_;
  std::string sha256_;
};

TEST_F(NodeOnSshd, installs_the_guard_and_runs_commands_through_it) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  EXPECT_EQ(std::filesystem::status(path()).permissions(), std::filesystem::perms(0700));
  const auto result = node->run({.argv = {"sh", "-c", "cat; echo $COLOUR >&2; exit 3"},
                                 .env = {{"COLOUR", "a b; $(id)"}},
                                 .input = "in"},
                                soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "in");
  EXPECT_EQ(result->err, "a b; $(id)\n");
  EXPECT_EQ(result->exit_status, 3);
  const auto facts = ask_facts(*node, "lab-a", soon());
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts->boot_id.size(), 36u);
  EXPECT_LE(std::abs(facts->clock_offset.count()), facts->clock_error.count() + 2000);
  const auto home =
      node->run({.argv = {"sh", "-c", "getent passwd 0 | cut -d: -f6 | tr -d '\\n'"}}, soon());
  ASSERT_TRUE(home);
  for (const auto& entry : std::filesystem::directory_iterator(home->out)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".hookshot-")) << entry.path();
  }
}

TEST_F(NodeOnSshd, hands_hostile_words_over_unchanged) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  exec::Command command{.argv = {"printf", "%s|"}};
  std::string expected;
  for (const char* word :
       {"$(touch /tmp/x)", "; rm -rf /", "a b", "'\"`\\", "\n", "", "-rf", "&& id", "ü", "%n"}) {
    command.argv.push_back(word);
    expected += std::string(word) + "|";
  }
  const auto result = node->run(command, soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, expected);
  const auto broken = node->run({.argv = {"echo", "\xff"}}, soon());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), ErrorCode::invalid_input);
  EXPECT_EQ(node->guard("facts; id", {}, soon()).error().code(), ErrorCode::internal);
  EXPECT_EQ(node->read_file("relative/../path", soon()).error().code(), ErrorCode::invalid_input);
}

TEST_F(NodeOnSshd, reads_files_and_says_what_is_missing) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  std::ofstream(folder_ / "secret", std::ios::binary) << std::string("a\0b\xff", 4);
  EXPECT_EQ(*node->read_file((folder_ / "secret").string(), soon()), std::string("a\0b\xff", 4));
  EXPECT_EQ(node->read_file("/no/such/file", soon()).error().code(), ErrorCode::remote_failed);
}

TEST_F(NodeOnSshd, uploads_a_hundred_megabytes_checked) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  const auto local = folder_ / "big \\ one";
  {
    std::ofstream file(local, std::ios::binary);
    for (int i = 0; i < 100; ++i) {
      file << std::string(1'000'000, static_cast<char>(i));
    }
  }
  const auto remote = folder_ / "new folder" / "it's; $(id)";
  const auto uploaded = node->upload(local, remote.string(), 0755, soon());
  ASSERT_TRUE(uploaded) << uploaded.error().message();
  EXPECT_TRUE(slurp(local) == slurp(remote));
  EXPECT_EQ(std::filesystem::status(remote).permissions(), std::filesystem::perms(0755));
  const auto missing = node->upload(folder_ / "nothing", "/tmp/x", 0600, soon());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::invalid_input);
}

TEST_F(NodeOnSshd, refuses_a_full_disk_clearly) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  std::ofstream(folder_ / "x") << "content";
  const auto full = node->upload(folder_ / "x", "/dev/full/x", 0600, soon());
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(full.error().message(), AllOf(HasSubstr("upload"), HasSubstr("/dev/full")));
}

TEST_F(NodeOnSshd, refuses_an_altered_guard_before_it_runs) {
  const auto node =
      connect(scripted("arm) cat >/dev/null; touch " + (folder_ / "armed").string() + ";;"));
  ASSERT_TRUE(node);
  ASSERT_TRUE(node->guard("arm", Json::object(), soon()));
  std::filesystem::remove(folder_ / "armed");
  std::ofstream(path(), std::ios::app) << "# altered\n";
  const auto armed = node->guard("arm", Json::object(), soon());
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().code(), ErrorCode::refused);
  EXPECT_THAT(armed.error().message(),
              AllOf(HasSubstr("cp-1"),
                    HasSubstr("was altered"),
                    HasSubstr(sha256_),
                    HasSubstr("installs it anew")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "armed"));
  sshd_->signal_connections(SIGKILL);
  ASSERT_TRUE(eventually("loss", soon(), milliseconds(10), [&]() -> Result<Observation> {
    return Observation{!node->connected(), "connected"};
  }));
  const auto back = node->reconnect(soon());
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code(), ErrorCode::refused);
  const auto again = connect(scripted("arm) ;;"));
  ASSERT_TRUE(again);
  EXPECT_EQ(slurp(path()), script_);
  std::filesystem::remove(path());
  const auto gone = again->guard("arm", Json::object(), soon());
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("not at"));
}

TEST_F(NodeOnSshd, leaves_the_guard_of_somebody_elses_run_alone) {
  ASSERT_TRUE(connect(scripted("arm) ;;")));
  const std::string theirs = script_;
  const auto lease = std::filesystem::path(path()).parent_path() / "lease.json";
  const auto held = [&](std::int64_t age_ms) {
    std::ofstream(lease) << Json{{"holder", "ann@lab pid 7"},
                                 {"ttl_ms", 60'000},
                                 {"renewed_wall_us", wall_now_us() - age_ms * 1000}}
                                .dump();
  };
  held(1000);
  const Error refused = refusal(scripted("another) ;;"));
  EXPECT_EQ(refused.code(), ErrorCode::refused);
  EXPECT_THAT(refused.message(), AllOf(HasSubstr("cp-1"), HasSubstr("ann@lab pid 7")));
  EXPECT_EQ(slurp(path()), theirs);
  held(100'000);
  ASSERT_TRUE(connect(scripted("another) ;;")));
  EXPECT_EQ(slurp(path()), script_) << "a lease that is long over holds nothing";
  std::filesystem::remove(lease);
}

TEST_F(NodeOnSshd, leaves_the_guard_alone_while_anything_is_armed) {
  ASSERT_TRUE(connect(scripted("arm) ;;")));
  const std::string theirs = script_;
  const auto record = std::filesystem::path(path()).parent_path() / "armed" / "h-1";
  std::filesystem::create_directories(record);
  std::ofstream(record / "record.json") << R"({"fault": "move-manifest", "run": "night-7"})";
  const Error refused = refusal(scripted("another) ;;"));
  EXPECT_EQ(refused.code(), ErrorCode::refused);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("cp-1"),
                    HasSubstr("record h-1 (move-manifest) of run night-7"),
                    HasSubstr("hookshot heal"),
                    HasSubstr(path() + " heal")));
  EXPECT_EQ(slurp(path()), theirs);
  std::filesystem::remove(record / "record.json");
  EXPECT_THAT(refusal(scripted("another) ;;")).message(), HasSubstr("cannot be read"));
  EXPECT_EQ(slurp(path()), theirs);
  std::filesystem::remove(record);
  ASSERT_TRUE(connect(scripted("another) ;;")));
  EXPECT_EQ(slurp(path()), script_) << "nothing is armed any more";
}

TEST_F(NodeOnSshd, leaves_the_guard_alone_while_a_run_has_the_cluster) {
  const auto first = connect(scripted("arm) ;;"));
  ASSERT_TRUE(first);
  const std::string theirs = script_;
  EXPECT_TRUE(first->check_lease(soon()));
  SshNodeConfig other = scripted("another) ;;");
  other.before_replacing = [](Deadline) -> Status {
    return fail(ErrorCode::refused, "cp-1: ann@lab pid 7 is at work");
  };
  const Error refused = refusal(other);
  EXPECT_EQ(refused.code(), ErrorCode::refused);
  EXPECT_THAT(refused.message(), HasSubstr("ann@lab pid 7"));
  EXPECT_EQ(slurp(path()), theirs);
}

TEST_F(NodeOnSshd, says_that_there_is_no_sudo) {
  start({"SetEnv PATH=/nonexistent"});
  SshNodeConfig made = config();
  made.become_sudo = true;
  const Error none = refusal(made);
  EXPECT_EQ(none.code(), ErrorCode::not_supported);
  EXPECT_THAT(none.message(), AllOf(HasSubstr("cp-1"), HasSubstr("no sudo")));
}

TEST_F(NodeOnSshd, says_that_sudo_wants_a_password) {
  const std::string bin = "/tmp/hookshot-sudo-" + std::to_string(::getpid());
  std::filesystem::create_directories(bin);
  const auto sudo = [&](const std::string& body) {
    std::ofstream(bin + "/sudo") << "#!/bin/sh\n" << body;
    ::chmod((bin + "/sudo").c_str(), 0755);
  };
  start({"SetEnv PATH=" + bin + ":/usr/bin:/bin"});
  sudo("echo 'sudo: a password is required' >&2; exit 1\n");
  SshNodeConfig made = config();
  made.become_sudo = true;
  const Error password = refusal(made);
  EXPECT_EQ(password.code(), ErrorCode::not_supported);
  EXPECT_THAT(password.message(),
              AllOf(HasSubstr("password"), HasSubstr("NOPASSWD"), HasSubstr("sudoers.d")));
  sudo("test \"$1\" = -n || exit 9\nshift\nexec \"$@\"\n");
  const auto node = connect(made);
  ASSERT_TRUE(node);
  EXPECT_EQ(node->run({.argv = {"echo", "by sudo"}}, soon())->out, "by sudo\n");
  std::filesystem::remove_all(bin);
}

TEST_F(NodeOnSshd, reports_a_connection_lost_in_the_middle_of_a_command_and_comes_back) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  const auto mark = folder_ / "running";
  std::jthread killer([&](const std::stop_token& stop) {
    while (!std::filesystem::exists(mark) && !paced(milliseconds(5), stop)) {
    }
    sshd_->signal_connections(SIGKILL);
  });
  const auto cut =
      node->run({.argv = {"sh", "-c", "touch " + mark.string() + "; sleep 100"}}, soon());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(cut.error().message(), HasSubstr("lost in the middle"));
  EXPECT_FALSE(node->connected());
  EXPECT_EQ(node->http({.port = 1}, soon()).error().code(), ErrorCode::unreachable);
  const auto back = node->reconnect(soon());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_FALSE(back->rebooted);
  EXPECT_EQ(node->run({.argv = {"echo", "back"}}, soon())->out, "back\n");
}

TEST_F(NodeOnSshd, names_node_and_script_when_the_connection_is_cut_under_an_installer) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  const auto mark = folder_ / "unpacking";
  const auto script = folder_ / "install.sh";
  std::ofstream(script) << "echo \"$INSTALL_RKE2_TYPE\" >\"$MARK\"\nexec sleep 100\n";
  std::jthread killer([&](const std::stop_token& stop) {
    while (slurp(mark) != "server\n" && !paced(milliseconds(5), stop)) {
    }
    sshd_->signal_connections(SIGKILL);
  });
  const auto cut = node->run({.argv = {"/bin/sh", script.string()},
                              .env = {{"INSTALL_RKE2_TYPE", "server"}, {"MARK", mark.string()}}},
                             soon(),
                             std::stop_source().get_token());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(cut.error().message(),
              AllOf(HasSubstr("/bin/sh " + script.string()),
                    HasSubstr("connection to cp-1 lost in the middle of")));
  ASSERT_TRUE(node->reconnect(soon()));
  EXPECT_EQ(node->landing(soon()).value().front(), '/');
}

TEST_F(NodeOnSshd, recognises_another_boot) {
  const auto node = connect(scripted(""));
  ASSERT_TRUE(node);
  EXPECT_FALSE(node->reconnect(soon())->rebooted);
  sshd_->signal_connections(SIGKILL);
  std::ofstream(folder_ / "boot") << "boot-2";
  ASSERT_TRUE(eventually("loss", soon(), milliseconds(10), [&]() -> Result<Observation> {
    return Observation{!node->connected(), "connected"};
  }));
  const auto back = node->reconnect(soon());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(back->rebooted);
  EXPECT_EQ(back->boot_id, "boot-2");
  EXPECT_FALSE(node->reconnect(soon())->rebooted);
}

TEST_F(NodeOnSshd, says_what_was_last_seen_of_a_node_that_does_not_come_back) {
  const auto node = connect(scripted(""));
  ASSERT_TRUE(node);
  sshd_.reset();
  ASSERT_TRUE(eventually("loss", soon(), milliseconds(10), [&]() -> Result<Observation> {
    return Observation{!node->connected(), "connected"};
  }));
  const auto back = node->reconnect(Deadline::after(milliseconds(700)));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(back.error().message(), AllOf(HasSubstr("cp-1"), HasSubstr("connection refused")));
}

TEST_F(NodeOnSshd, streams_facts_until_the_guard_ends) {
  const auto node = connect(scripted(
      "watch) read x; echo \"{\\\"type\\\":\\\"clock\\\",\\\"asked\\\":$x}\"; cat >/dev/null;;\n"
      "status) cat >/dev/null; echo "
      "'{\"type\":\"error\",\"code\":\"refused\",\"message\":\"no\"}'; exit 3;;"));
  ASSERT_TRUE(node);
  auto stream = node->guard_stream("watch", {{"unit", "rke2-server.service"}}, soon());
  ASSERT_TRUE(stream);
  const auto fact = (*stream)->next(soon());
  ASSERT_TRUE(fact && *fact);
  EXPECT_EQ((**fact)["asked"]["unit"], "rke2-server.service");
  EXPECT_FALSE((*stream)->next(Deadline::after(milliseconds(50)))->has_value());
  sshd_->signal_connections(SIGKILL);
  EXPECT_EQ((*stream)->next(soon()).error().code(), ErrorCode::unreachable);
  ASSERT_TRUE(node->reconnect(soon()));
  const auto refused = node->guard("status", Json::object(), soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::refused);
}

TEST_F(NodeOnSshd, ends_a_late_command_and_says_so) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  const auto late = node->run({.argv = {"sleep", "100"}}, Deadline::after(seconds(4)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(late.error().message(), HasSubstr("sleep 100"));
}

TEST_F(NodeOnSshd, asks_http_ten_times_a_second_over_one_connection) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  exec::TestProcess server;
  int port = 0;
  const auto made = exec::LocalRunner().run({.argv = {"openssl",
                                                      "req",
                                                      "-x509",
                                                      "-newkey",
                                                      "ec",
                                                      "-pkeyopt",
                                                      "ec_paramgen_curve:P-256",
                                                      "-nodes",
                                                      "-days",
                                                      "2",
                                                      "-subj",
                                                      "/CN=server",
                                                      "-addext",
                                                      "subjectAltName=IP:127.0.0.1",
                                                      "-keyout",
                                                      (folder_ / "tls.key").string(),
                                                      "-out",
                                                      (folder_ / "tls.crt").string()}},
                                            soon());
  if (!made || !made->ok()) {
    GTEST_SKIP() << "there is no openssl program";
  }
  server = exec::TestProcess({"openssl",
                              "s_server",
                              "-accept",
                              "127.0.0.1:0",
                              "-cert",
                              (folder_ / "tls.crt").string(),
                              "-key",
                              (folder_ / "tls.key").string(),
                              "-www"},
                             folder_ / "tls.log");
  ASSERT_TRUE(eventually("s_server", soon(), milliseconds(10), [&]() -> Result<Observation> {
    const std::string log = slurp(folder_ / "tls.log");
    const std::size_t at = log.find("ACCEPT 127.0.0.1:");
    const bool there = at != std::string::npos && log.find('\n', at) != std::string::npos;
    port = there ? std::stoi(log.substr(at + 17)) : 0;
    return Observation{there, log};
  }));
  HttpRequest request{.port = port, .path = "/"};
  request.ca_pem = slurp(folder_ / "tls.crt");
  for (int i = 0; i < 10; ++i) {
    const auto response = node->http(request, soon());
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status, 200);
  }
  server.end();
  const auto gone = node->http(request, soon());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(gone.error().message(), HasSubstr("refused"));
  EXPECT_TRUE(node->connected());
}

TEST_F(NodeOnSshd, tells_a_silent_node_from_a_silent_service) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  const auto hung = node->http({.port = sshd_->port(), .path = "/", .tls = false},
                               Deadline::after(milliseconds(200)));
  ASSERT_FALSE(hung);
  sshd_->signal_connections(SIGSTOP);
  const auto silent =
      node->http({.port = sshd_->port(), .path = "/", .tls = false}, Deadline::after(seconds(3)));
  sshd_->signal_connections(SIGCONT);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(silent.error().message(), HasSubstr("silent"));
}

TEST_F(NodeOnSshd, is_used_by_many_threads_at_once) {
  const auto node = connect(config());
  ASSERT_TRUE(node);
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&, i] {
      const auto result = node->run({.argv = {"echo", std::to_string(i)}}, soon());
      EXPECT_TRUE(result) << result.error().message();
      good += result && result->out == std::to_string(i) + "\n" ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 20);
}

}  // namespace
}  // namespace harness::cluster
