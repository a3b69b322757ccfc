// Sessions against a real sshd of this machine's own.
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "harness/base/eventually.h"
#include "harness/exec/local_runner.h"
#include "harness/ssh/local_sshd.h"
#include "harness/ssh/session.h"

namespace harness::ssh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Deadline soon() {
  return Deadline::after(seconds(60));
}

class SessionOnSshd : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(const std::vector<std::string>& config) {
    auto started = LocalSshd::start(config);
    if (!started) {
      GTEST_SKIP() << started.error().message();
    }
    sshd_ = std::move(*started);
  }

  std::unique_ptr<Session> connect(const Options& options = {}) {
    auto session = Session::connect(sshd_->target(), soon(), options);
    EXPECT_TRUE(session) << session.error().message() << sshd_->log();
    return session ? std::move(*session) : nullptr;
  }

  Error refusal(const Target& target) {
    const auto session = Session::connect(target, soon());
    EXPECT_FALSE(session);
    return session ? Error(ErrorCode::internal, "connected") : session.error();
  }

  void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  std::unique_ptr<LocalSshd> sshd_;
};

TEST_F(SessionOnSshd, runs_a_command_with_input_and_keeps_out_err_and_status_apart) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto result = session->run("cat; echo oops >&2; exit 7", "some input", soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "some input");
  EXPECT_EQ(result->err, "oops\n");
  EXPECT_EQ(result->exit_status, 7);
  EXPECT_EQ(result->signal, 0);
}

TEST_F(SessionOnSshd, tells_a_signal_from_a_status) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto result = session->run("kill -KILL $$", "", soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->signal, SIGKILL);
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(session->run("exit 255", "", soon())->exit_status, 255);
}

TEST_F(SessionOnSshd, carries_megabytes_both_ways) {
  const auto session = connect();
  ASSERT_TRUE(session);
  std::string input(20u << 20, 'x');
  for (std::size_t i = 0; i < input.size(); i += 997) {
    input[i] = static_cast<char>(i);
  }
  const auto result = session->run("cat", input, soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->out == input);
}

TEST_F(SessionOnSshd, caps_output_and_says_so) {
  const auto session = connect({.output_cap = 1000});
  ASSERT_TRUE(session);
  const auto result = session->run("head -c 5000000 /dev/zero", "", soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out.size(), 1000u);
  EXPECT_TRUE(result->cut);
}

TEST_F(SessionOnSshd, refuses_an_unknown_host_key_with_its_fingerprint_and_how_to_pin_it) {
  Target target = sshd_->target();
  target.known_hosts = sshd_->folder() / "it's empty; $(id)";
  const auto fingerprint = exec::LocalRunner().run(
      {.argv = {"ssh-keygen", "-lf", (sshd_->folder() / "host_key.pub").string()}}, soon());
  ASSERT_TRUE(fingerprint);
  const std::string sha256 = fingerprint->out.substr(fingerprint->out.find("SHA256:"), 50);
  const Error missing = refusal(target);
  EXPECT_EQ(missing.code(), ErrorCode::refused);
  EXPECT_THAT(missing.message(),
              AllOf(HasSubstr("cp-1"),
                    HasSubstr("not in"),
                    HasSubstr(sha256),
                    HasSubstr("ssh-keyscan -t ed25519 -p " + std::to_string(target.port) +
                              " 127.0.0.1 >> '"),
                    HasSubstr("it'\\''s empty; $(id)'")));
  write(target.known_hosts,
        "other.example ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIGW4aNoGzQ0lqPuMHhcMMXq7gdLQKJOC2dhMVRTTmPe+\n");
  EXPECT_EQ(refusal(target).code(), ErrorCode::refused);
}

TEST_F(SessionOnSshd, accepts_the_key_that_the_shown_command_pins) {
  Target target = sshd_->target();
  target.known_hosts = sshd_->folder() / "pinned";
  const std::string text = refusal(target).message();
  const std::string command = text.substr(text.rfind("ssh-keyscan"));
  ASSERT_TRUE(exec::LocalRunner().run({.argv = {"sh", "-c", command}}, soon()));
  EXPECT_TRUE(Session::connect(target, soon()));
}

TEST_F(SessionOnSshd, refuses_a_changed_host_key) {
  Target target = sshd_->target();
  const auto other = sshd_->make_key("other_host_key");
  std::ifstream pub(other.string() + ".pub");
  std::string line;
  std::getline(pub, line);
  write(target.known_hosts, "[127.0.0.1]:" + std::to_string(target.port) + " " + line + "\n");
  const Error changed = refusal(target);
  EXPECT_EQ(changed.code(), ErrorCode::refused);
  EXPECT_THAT(
      changed.message(),
      AllOf(HasSubstr("not the one pinned"), HasSubstr("SHA256:"), HasSubstr("ssh-keygen -f")));
}

TEST_F(SessionOnSshd, says_that_a_key_was_not_taken) {
  Target target = sshd_->target();
  target.key_file = sshd_->make_key("stranger");
  const Error wrong = refusal(target);
  EXPECT_EQ(wrong.code(), ErrorCode::refused);
  EXPECT_THAT(wrong.message(),
              AllOf(HasSubstr("did not take the key"), HasSubstr("authorized_keys")));
}

TEST_F(SessionOnSshd, says_what_is_wrong_with_a_key_file) {
  Target target = sshd_->target();
  target.key_file = sshd_->folder() / "no-such-key";
  EXPECT_THAT(refusal(target).message(), HasSubstr("No such file"));
  target.key_file = sshd_->folder() / "user_key.pub";
  EXPECT_THAT(refusal(target).message(), HasSubstr(".pub"));
  const auto open = sshd_->make_key("open");
  ::chmod(open.c_str(), 0644);
  target.key_file = open;
  EXPECT_THAT(refusal(target).message(), HasSubstr("chmod 600"));
  target.key_file = sshd_->make_key("locked", "a passphrase");
  target.agent_socket = sshd_->folder() / "no-agent";
  const Error locked = refusal(target);
  EXPECT_EQ(locked.code(), ErrorCode::invalid_input);
  EXPECT_THAT(locked.message(), AllOf(HasSubstr("is encrypted"), HasSubstr("ssh-add")));
}

TEST_F(SessionOnSshd, logs_in_with_the_agents_keys) {
  const auto socket = sshd_->folder() / "agent";
  exec::TestProcess agent({"ssh-agent", "-D", "-a", socket.string()},
                          sshd_->folder() / "agent.log");
  ASSERT_TRUE(eventually("agent", soon(), milliseconds(10), [&]() -> Result<Observation> {
    return Observation{std::filesystem::exists(socket), "no socket"};
  }));
  Target target = sshd_->target();
  const auto key = target.key_file;
  target.key_file.clear();
  target.agent_socket = socket;
  EXPECT_THAT(refusal(target).message(), HasSubstr("any key of the agent"));
  const auto added = exec::LocalRunner().run(
      {.argv = {"ssh-add", key.string()}, .env = {{"SSH_AUTH_SOCK", socket.string()}}}, soon());
  ASSERT_TRUE(added && added->ok());
  const auto session = Session::connect(target, soon());
  ASSERT_TRUE(session) << session.error().message();
  EXPECT_EQ((*session)->run("echo hello", "", soon())->out, "hello\n");
  target.agent_socket = sshd_->folder() / "nobody";
  EXPECT_EQ(refusal(target).code(), ErrorCode::invalid_input);
}

TEST_F(SessionOnSshd, goes_through_a_jump_host_and_verifies_both) {
  auto second = LocalSshd::start();
  ASSERT_TRUE(second);
  Target target = sshd_->target("cp-1");
  target.jump = std::make_shared<Target>((*second)->target("bastion"));
  {
    const auto session = Session::connect(target, soon());
    ASSERT_TRUE(session) << session.error().message();
    EXPECT_EQ((*session)->run("echo hello", "", soon())->out, "hello\n");
    const std::string much(5u << 20, 'y');
    EXPECT_TRUE((*session)->run("cat", much, soon())->out == much);
    (*second)->signal_connections(SIGKILL);
    const auto lost = (*session)->run("sleep 60", "", soon());
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code(), ErrorCode::unreachable);
  }
  Target unknown = target;
  unknown.known_hosts = sshd_->folder() / "nothing";
  EXPECT_THAT(refusal(unknown).message(),
              AllOf(HasSubstr("cp-1"),
                    HasSubstr("ssh -p " + std::to_string((*second)->port())),
                    HasSubstr("ssh-keyscan")));
  Target bad_jump = target;
  auto jump = (*second)->target("bastion");
  jump.known_hosts = sshd_->folder() / "nothing";
  bad_jump.jump = std::make_shared<Target>(jump);
  EXPECT_THAT(refusal(bad_jump).message(),
              AllOf(HasSubstr("bastion"), HasSubstr("is not trusted")));
  Target nobody = target;
  nobody.port = free_port();
  const Error closed = refusal(nobody);
  EXPECT_EQ(closed.code(), ErrorCode::unreachable);
  EXPECT_THAT(closed.message(), HasSubstr("refused"));
}

TEST_F(SessionOnSshd, says_that_nothing_listens) {
  Target target = sshd_->target();
  target.port = free_port();
  const Error error = refusal(target);
  EXPECT_EQ(error.code(), ErrorCode::unreachable);
  EXPECT_THAT(error.message(), HasSubstr("connection refused"));
}

TEST_F(SessionOnSshd, does_not_wait_for_ever_for_a_peer_that_says_nothing) {
  const exec::UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(silent.get(), 5), 0);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Target target = sshd_->target();
  target.port = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  const auto session = Session::connect(target, Deadline::after(milliseconds(300)));
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(session.error().message(), HasSubstr("SSH handshake"));
}

TEST_F(SessionOnSshd, reports_a_connection_killed_in_the_middle_of_a_command) {
  const auto session = connect();
  ASSERT_TRUE(session);
  std::jthread killer([this, &session] {
    const auto lines = session->start("echo started; cat", "", soon());
    ASSERT_TRUE(lines);
    EXPECT_EQ(**(*lines)->next_line(soon()), "started");
    sshd_->signal_connections(SIGKILL);
    const auto lost = (*lines)->next_line(soon());
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code(), ErrorCode::unreachable);
  });
  const auto result = session->run("sleep 300", "", soon());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(result.error().message(),
              AllOf(HasSubstr("connection to cp-1 lost in the middle of: sleep 300")));
  killer.join();
  EXPECT_FALSE(session->connected());
  EXPECT_THAT(session->loss(), Not(testing::IsEmpty()));
  const auto after = session->run("true", "", soon());
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(after.error().message(), HasSubstr("is down"));
}

TEST_F(SessionOnSshd, notices_a_peer_that_is_dead) {
  const auto session = connect({.keepalive = milliseconds(100), .dead_after = milliseconds(800)});
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->run("true", "", soon()));
  sshd_->signal_connections(SIGSTOP);
  const auto result = session->run("true", "", soon());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(result.error().message(), HasSubstr("no answer to keepalives"));
  EXPECT_FALSE(session->connected());
  sshd_->signal_connections(SIGCONT);
}

TEST_F(SessionOnSshd, stays_up_while_idle_for_many_keepalives) {
  const auto session = connect({.keepalive = milliseconds(20), .dead_after = milliseconds(1500)});
  ASSERT_TRUE(session);
  const auto result = session->run("sleep 3; echo still here", "", soon());
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->out, "still here\n");
}

TEST_F(SessionOnSshd, ends_at_the_deadline_and_goes_on_with_the_next_command) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto late = session->run("echo why >&2; sleep 300", "", Deadline::after(milliseconds(700)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(late.error().message(), AllOf(HasSubstr("did not end in time"), HasSubstr("why")));
  EXPECT_EQ(session->run("echo next", "", soon())->out, "next\n");
}

TEST_F(SessionOnSshd, runs_fifty_commands_at_once_though_the_host_allows_ten) {
  const auto session = connect();
  ASSERT_TRUE(session);
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&, i] {
      const std::string input = "number " + std::to_string(i);
      const auto result = session->run("cat; sleep 0.1", input, soon());
      EXPECT_TRUE(result) << result.error().message();
      good += result && result->out == input ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 50);
}

TEST_F(SessionOnSshd, has_fifty_channels_open_at_once_where_the_host_allows_them) {
  start({"MaxSessions 100"});
  const auto session = connect();
  ASSERT_TRUE(session);
  std::vector<std::unique_ptr<LineChannel>> open;
  for (int i = 0; i < 50; ++i) {
    auto lines = session->start("cat", "", soon());
    ASSERT_TRUE(lines) << lines.error().message();
    open.push_back(std::move(*lines));
  }
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(open[static_cast<std::size_t>(i)]->write(std::to_string(i) + "\n", soon()));
    }
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(**open[static_cast<std::size_t>(i)]->next_line(soon()), std::to_string(i));
    }
  }
}

TEST_F(SessionOnSshd, streams_lines_and_says_how_the_command_ended) {
  const auto session = connect();
  ASSERT_TRUE(session);
  auto lines = session->start(
      "while read x; do echo \"got $x\"; done; echo bad >&2; exit 4", "first\n", soon());
  ASSERT_TRUE(lines);
  EXPECT_EQ(**(*lines)->next_line(soon()), "got first");
  EXPECT_FALSE((*lines)->next_line(Deadline::after(milliseconds(50)))->has_value());
  ASSERT_TRUE((*lines)->write("second\nthird\n", soon()));
  EXPECT_EQ(**(*lines)->next_line(soon()), "got second");
  EXPECT_EQ(**(*lines)->next_line(soon()), "got third");
  (*lines)->finish_input();
  const auto end = (*lines)->next_line(soon());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(end.error().message(), AllOf(HasSubstr("exit status 4"), HasSubstr("bad")));
}

TEST_F(SessionOnSshd, holds_back_a_stream_that_is_not_read_and_loses_nothing) {
  const auto session = connect();
  ASSERT_TRUE(session);
  auto lines = session->start("seq 1 3000000", "", soon());
  ASSERT_TRUE(lines);
  EXPECT_EQ(session->run("echo others go on", "", soon())->out, "others go on\n");
  for (int i = 1; i <= 3'000'000; ++i) {
    const auto line = (*lines)->next_line(soon());
    ASSERT_TRUE(line) << line.error().message();
    ASSERT_TRUE(*line && **line == std::to_string(i)) << i;
  }
}

TEST_F(SessionOnSshd, ends_a_stream_by_closing_its_input) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto mark = sshd_->folder() / "ended";
  {
    auto lines = session->start("echo up; cat >/dev/null; touch " + mark.string(), "", soon());
    ASSERT_TRUE(lines);
    EXPECT_EQ(**(*lines)->next_line(soon()), "up");
  }
  EXPECT_TRUE(
      eventually("the end of the stream", soon(), milliseconds(20), [&]() -> Result<Observation> {
        return Observation{std::filesystem::exists(mark), "no mark"};
      }));
}

TEST_F(SessionOnSshd, forwards_a_socket_both_ways) {
  const auto session = connect();
  ASSERT_TRUE(session);
  auto fd = session->forward("127.0.0.1", sshd_->port(), soon());
  ASSERT_TRUE(fd) << fd.error().message();
  std::string banner;
  ASSERT_TRUE(eventually("banner", soon(), milliseconds(10), [&]() -> Result<Observation> {
    std::array<char, 200> block{};
    const ssize_t count = ::recv(fd->get(), block.data(), block.size(), MSG_DONTWAIT);
    banner.append(block.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    return Observation{banner.find("\n") != std::string::npos, banner};
  }));
  EXPECT_THAT(banner, testing::StartsWith("SSH-2.0-OpenSSH"));
  const auto closed = session->forward("127.0.0.1", free_port(), soon());
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(closed.error().message(), HasSubstr("refused"));
}

TEST_F(SessionOnSshd, says_that_forwarding_is_not_allowed) {
  start({"AllowTcpForwarding no"});
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto fd = session->forward("127.0.0.1", sshd_->port(), soon());
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(fd.error().message(), HasSubstr("AllowTcpForwarding"));
}

TEST_F(SessionOnSshd, uploads_a_hundred_megabytes_and_reads_files) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto local = sshd_->folder() / "big";
  {
    std::ofstream file(local, std::ios::binary);
    std::string block(1u << 20, '\0');
    for (int i = 0; i < 100; ++i) {
      for (std::size_t at = 0; at < block.size(); at += 64) {
        block[at] = static_cast<char>(i * 7 + static_cast<int>(at));
      }
      file << block;
    }
  }
  const auto remote = sshd_->folder() / "arrived; $(id) 'x'";
  const auto begin = std::chrono::steady_clock::now();
  const auto uploaded = session->upload(local, remote.string(), 0640, soon());
  ASSERT_TRUE(uploaded) << uploaded.error().message();
  RecordProperty(
      "seconds",
      std::to_string(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
  const auto same =
      exec::LocalRunner().run({.argv = {"cmp", local.string(), remote.string()}}, soon());
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->ok());
  EXPECT_EQ(std::filesystem::status(remote).permissions(), std::filesystem::perms(0640));
  write(sshd_->folder() / "small", "content\n");
  EXPECT_EQ(*session->read((sshd_->folder() / "small").string(), 100, soon()), "content\n");
  EXPECT_THAT(session->read(local.string(), 1000, soon()).error().message(),
              HasSubstr("larger than 1000"));
  EXPECT_THAT(session->read("/no/such", 1000, soon()).error().message(), HasSubstr("no such file"));
  ASSERT_TRUE(session->upload_bytes("new", remote.string(), 0600, soon()));
  EXPECT_EQ(*session->read(remote.string(), 100, soon()), "new");
  ASSERT_TRUE(session->remove(remote.string(), soon()));
  EXPECT_FALSE(std::filesystem::exists(remote));
  EXPECT_TRUE(session->absolute(".", soon())->starts_with("/"));
}

TEST_F(SessionOnSshd, survives_new_keys_in_the_middle_of_an_upload) {
  start({"RekeyLimit 1M"});
  const auto session = connect();
  ASSERT_TRUE(session);
  const std::string content(30u << 20, 'k');
  const auto remote = sshd_->folder() / "rekeyed";
  const auto uploaded = session->upload_bytes(content, remote.string(), 0600, soon());
  ASSERT_TRUE(uploaded) << uploaded.error().message();
  EXPECT_EQ(std::filesystem::file_size(remote), content.size());
  EXPECT_TRUE(session->run("cat " + remote.string(), "", soon())->out == content);
}

TEST_F(SessionOnSshd, ends_an_upload_at_a_stop_and_leaves_nothing) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto local = sshd_->folder() / "large";
  write(local, "");
  std::filesystem::resize_file(local, 1u << 30);
  const auto folder = sshd_->folder() / "arrivals";
  std::filesystem::create_directory(folder);
  std::stop_source stop;
  const std::jthread ctrl_c([&] {
    EXPECT_TRUE(
        eventually("the copy begins", soon(), milliseconds(1), [&]() -> Result<Observation> {
          return Observation{.done = !std::filesystem::is_empty(folder), .seen = "an empty folder"};
        }));
    stop.request_stop();
  });
  const auto ended =
      session->upload(local, (folder / "large").string(), 0600, soon(), stop.get_token());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), ErrorCode::refused);
  EXPECT_THAT(ended.error().message(), HasSubstr("interrupted"));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_TRUE(session->connected());
}

TEST_F(SessionOnSshd, leaves_nothing_under_the_name_when_an_upload_is_cut_off) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto remote = sshd_->folder() / "cut";
  std::jthread killer([&](const std::stop_token& stop) {
    while (!paced(milliseconds(1), stop)) {
      for (const auto& entry : std::filesystem::directory_iterator(sshd_->folder())) {
        if (entry.path().filename().string().starts_with("cut.part-")) {
          sshd_->signal_connections(SIGKILL);
          return;
        }
      }
    }
  });
  const auto cut =
      session->upload_bytes(std::string(300u << 20, 'x'), remote.string(), 0600, soon());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(cut.error().message(), HasSubstr("lost in the middle of: upload"));
  EXPECT_FALSE(std::filesystem::exists(remote));
}

TEST_F(SessionOnSshd, removes_what_it_began_when_the_host_refuses) {
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto folder = sshd_->folder() / "target";
  std::filesystem::create_directories(folder / "name" / "inside");
  const auto refused = session->upload_bytes("x", (folder / "name").string(), 0600, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(refused.error().message(), AllOf(HasSubstr("rename"), HasSubstr("MB free")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  const auto nowhere = session->upload_bytes("x", "/no/such/folder/x", 0600, soon());
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().message(), HasSubstr("no such file or folder"));
}

TEST_F(SessionOnSshd, says_that_the_host_has_no_sftp) {
  start({"Subsystem sftp /no/such/program"});
  const auto session = connect();
  ASSERT_TRUE(session);
  const auto uploaded = session->upload_bytes("x", "/tmp/x", 0600, soon());
  ASSERT_FALSE(uploaded);
  EXPECT_THAT(uploaded.error().message(), HasSubstr("Subsystem"));
}

TEST_F(SessionOnSshd, keeps_no_descriptor_open) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = count();
  for (int i = 0; i < 5; ++i) {
    const auto session = connect();
    ASSERT_TRUE(session);
    auto fd = session->forward("127.0.0.1", sshd_->port(), soon());
    ASSERT_TRUE(fd);
    Target stranger = sshd_->target();
    stranger.known_hosts = "/dev/null";
    EXPECT_EQ(refusal(stranger).code(), ErrorCode::refused);
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace harness::ssh
