#include "harness/upgrade/tarball.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "harness/base/eventually.h"
#include "harness/exec/fake_runner.h"
#include "harness/exec/local_runner.h"
#include "harness/observe/fake_server.h"

namespace harness::upgrade {
namespace {

namespace fs = std::filesystem;
using observe::FakeServer;
using testing::HasSubstr;

const char* const kTag = "v1.30.13-rc2+rke2r1";

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

Version to() {
  return Version::parse(kTag).value();
}

exec::CommandResult says(std::string out, int status = 0, std::string err = {}) {
  exec::CommandResult result;
  result.exit_status = status;
  result.out = std::move(out);
  result.err = std::move(err);
  return result;
}

// A folder with a release, checksums right.
class TarballTest : public testing::Test {
 protected:
  TarballTest() {
    fs::create_directories(folder);
    write("install.sh", "#!/bin/sh\n");
    write("rke2.linux-amd64.tar.gz", "tarball");
    write("rke2-images.linux-amd64.tar.gz", "images");
    write_sums();
    server.node.on_run("sha256sum", says("", 1, "No such file"));
    server.node.on_run("mkdir", says(""));
    server.node.on_run("rm --recursive", says(""));
    server.node.on_run("find", says("", 1, "find: no such file"));
    server.node.on_run("df",
                       says("Filesystem 1024-blocks Used Available Capacity Mounted on\n"
                            "overlay 1 1 99999999 1% /\n"));
    server.node.on_run("/bin/sh", [this](const exec::Command& command) {
      script = command;
      server.disk = kTag;
      return says("[INFO]  unpacking tarball\n");
    });
  }

  ~TarballTest() override { fs::remove_all(root); }

  TarballTest(const TarballTest&) = delete;
  TarballTest& operator=(const TarballTest&) = delete;
  TarballTest(TarballTest&&) = delete;
  TarballTest& operator=(TarballTest&&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }

  std::string sum(const std::string& name) const {
    exec::LocalRunner runner;
    exec::Command command;
    command.argv = {"sha256sum", "--", (folder / name).string()};
    return runner.run(command, soon()).value().out.substr(0, 64);
  }

  void write_sums() const {
    write("sha256sum-amd64.txt",
          sum("rke2.linux-amd64.tar.gz") + "  rke2.linux-amd64.tar.gz\n" +
              sum("rke2-images.linux-amd64.tar.gz") + "  rke2-images.linux-amd64.tar.gz\n");
  }

  Error verify_error() const {
    const Status verified = method.verify(to());
    EXPECT_FALSE(verified);
    EXPECT_EQ(verified.error().code(), ErrorCode::invalid_input);
    return verified ? Error(ErrorCode::internal, "") : verified.error();
  }

  bool touched(const std::string& what) const {
    for (const auto& seen : server.node.traffic()) {
      if (seen.kind == what || seen.text.find(what) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  fs::path root =
      fs::temp_directory_path() / ("tarball_test." + std::to_string(::getpid()) + "." +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  fs::path folder = root / kTag;
  FakeServer server;
  exec::Command script;
  Tarball method{root, std::make_unique<exec::LocalRunner>()};
};

TEST_F(TarballTest, verifies_a_complete_release) {
  EXPECT_TRUE(method.verify(to()));
}

TEST_F(TarballTest, verifies_a_release_whose_path_sha256sum_escapes) {
  const fs::path odd = root / "a \\ b";
  fs::create_directories(odd);
  fs::copy(folder, odd / kTag, fs::copy_options::recursive);
  const Status verified = Tarball(odd, std::make_unique<exec::LocalRunner>()).verify(to());
  EXPECT_TRUE(verified) << verified.error().message();
}

TEST_F(TarballTest, refuses_sums_that_sha256sum_did_not_write) {
  write("sha256sum-amd64.txt", "<html>404</html>\n");
  EXPECT_THAT(verify_error().message(), HasSubstr("sha256sum-amd64.txt:1 is no line of sha256sum"));
}

TEST(SumLine, gives_the_name_as_it_is_on_disk) {
  const std::string hex(64, 'a');
  EXPECT_EQ(sum_line(hex + "  rke2.tar")->name, "rke2.tar");
  EXPECT_EQ(sum_line(hex + " *rke2.tar")->name, "rke2.tar");
  EXPECT_EQ(sum_line("\\" + hex + "  a\\\\b\\nc")->name, "a\\b\nc");
  EXPECT_EQ(sum_line("\\" + hex + "  a")->sha256, hex);
  for (const auto& wrong :
       std::vector<std::string>{hex, hex + " x", "a  x", "x" + hex.substr(1) + "  x"}) {
    EXPECT_FALSE(sum_line(wrong)) << wrong;
  }
}

TEST_F(TarballTest, names_the_folder_of_a_release_that_is_not_there) {
  fs::remove_all(folder);
  EXPECT_THAT(verify_error().message(), HasSubstr(folder.string()));
  EXPECT_THAT(verify_error().message(), HasSubstr("put install.sh"));
}

TEST_F(TarballTest, names_the_artifact_that_is_missing_and_touches_nothing) {
  for (const char* name : {"install.sh", "rke2.linux-amd64.tar.gz", "sha256sum-amd64.txt"}) {
    fs::rename(folder / name, folder / "away");
    EXPECT_THAT(verify_error().message(), HasSubstr((folder / name).string() + " is not there"));
    EXPECT_THAT(verify_error().message(), HasSubstr("fetch it from the release"));
    fs::rename(folder / "away", folder / name);
  }
  fs::remove(folder / "install.sh");
  EXPECT_FALSE(method.install(server.node, to(), soon()));
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST_F(TarballTest, refuses_a_wrong_checksum_and_touches_nothing) {
  write("rke2.linux-amd64.tar.gz", "tarball, altered");
  EXPECT_THAT(verify_error().message(), HasSubstr("rke2.linux-amd64.tar.gz has the checksum"));
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::invalid_input);
  EXPECT_TRUE(server.node.traffic().empty());
}

TEST_F(TarballTest, refuses_images_that_the_sums_do_not_list) {
  write("rke2-images-canal.linux-amd64.tar.gz", "more");
  EXPECT_THAT(verify_error().message(),
              HasSubstr("has no line for rke2-images-canal.linux-amd64.tar.gz"));
}

TEST_F(TarballTest, copies_the_release_and_runs_its_own_script) {
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_TRUE(installed) << installed.error().message();
  EXPECT_EQ(installed->version, kTag);
  EXPECT_EQ(server.node.uploads().size(), 4u);
  const std::string stage = std::string("/var/lib/hookshot/stage/") + kTag;
  EXPECT_EQ(script.argv, (std::vector<std::string>{"/bin/sh", stage + "/install.sh"}));
  EXPECT_EQ(script.env.at("INSTALL_RKE2_ARTIFACT_PATH"), stage);
  EXPECT_EQ(script.env.at("INSTALL_RKE2_TYPE"), "server");
  EXPECT_EQ(script.env.at("INSTALL_RKE2_AGENT_IMAGES_DIR"), "/var/lib/rancher/rke2/agent/images");
  EXPECT_FALSE(touched("systemctl")) << "installing starts and stops nothing";
  EXPECT_FALSE(touched("rm --recursive")) << "what was copied serves the next trial";
}

TEST_F(TarballTest, deletes_the_copies_of_every_release_when_told_to) {
  ASSERT_TRUE(method.clear(server.node, soon()));
  EXPECT_EQ(server.node.traffic().back().text, "rm --recursive --force -- /var/lib/hookshot/stage");
  FakeServer fresh;
  fresh.node.on_run("rm --recursive", says("", 1, "rm: read-only file system"));
  const Status kept = method.clear(fresh.node, soon());
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().message(),
              testing::AllOf(HasSubstr("delete the copies of the releases on cp-1"),
                             HasSubstr("read-only file system")));
}

TEST_F(TarballTest, deletes_copies_of_other_releases_where_the_disk_has_no_room_for_two) {
  std::string free_kb = "1024";
  server.node.on_run("df", [&](const exec::Command&) {
    return says("F 1 U A C M\noverlay 1 1 " + free_kb + " 99% /\n");
  });
  exec::Command deletion;
  server.node.on_run("find", [&](const exec::Command& command) {
    deletion = command;
    free_kb = "99999999";
    return says("");
  });
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_TRUE(installed) << installed.error().message();
  ASSERT_GT(deletion.argv.size(), 8u);
  EXPECT_EQ(deletion.argv[1], "/var/lib/hookshot/stage");
  EXPECT_EQ(deletion.argv[8], std::string("/var/lib/hookshot/stage/") + kTag);
}

TEST_F(TarballTest, installs_an_agent_as_an_agent) {
  FakeServer worker("w-1", "192.0.2.21", false);
  worker.node.on_run("sha256sum", says(""));
  worker.node.on_run("mkdir", says(""));
  worker.node.on_run("rm --recursive", says(""));
  worker.node.on_run("df", says("F 1 U A C M\noverlay 1 1 99999999 1% /\n"));
  worker.node.on_run("/bin/sh", [&](const exec::Command& command) {
    script = command;
    worker.disk = kTag;
    return says("");
  });
  ASSERT_TRUE(method.install(worker.node, to(), soon()));
  EXPECT_EQ(script.env.at("INSTALL_RKE2_TYPE"), "agent");
}

TEST_F(TarballTest, skips_what_is_there_with_the_same_checksum) {
  const std::string stage = std::string("/var/lib/hookshot/stage/") + kTag + "/";
  server.node.on_run(
      "sha256sum",
      says(sum("rke2.linux-amd64.tar.gz") + "  " + stage + "rke2.linux-amd64.tar.gz\n" +
               std::string(64, '0') + "  " + stage + "rke2-images.linux-amd64.tar.gz\n",
           1));
  ASSERT_TRUE(method.install(server.node, to(), soon()));
  const auto uploads = server.node.uploads();
  EXPECT_EQ(uploads.count(stage + "rke2.linux-amd64.tar.gz"), 0u);
  EXPECT_EQ(uploads.count(stage + "rke2-images.linux-amd64.tar.gz"), 1u);
}

TEST_F(TarballTest, refuses_a_full_disk_before_anything_is_changed) {
  server.node.on_run("df", says("F 1 U A C M\noverlay 1 1 1024 99% /\n"));
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(installed.error().message(), HasSubstr("1 MB free under /"));
  EXPECT_THAT(installed.error().message(), HasSubstr("nothing was changed"));
  EXPECT_TRUE(touched("find /var/lib/hookshot/stage")) << "copies of other releases go first";
  EXPECT_FALSE(touched("upload"));
  EXPECT_FALSE(touched("mkdir"));
}

TEST_F(TarballTest, asks_the_login_user_s_home_for_the_largest_file_before_anything_is_copied) {
  server.node.set_landing("/home/ops");
  std::string free_kb = "0";
  server.node.on_run("df", [&](const exec::Command& command) {
    return command.argv.back() == "/home/ops"
               ? says("F 1 U A C M\nhome 1 1 " + free_kb + " 99% /home\n")
               : says("F 1 U A C M\noverlay 1 1 99999999 1% /\n");
  });
  write("rke2-images.linux-amd64.tar.gz", std::string(3u << 20, 'i'));
  write_sums();
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(installed.error().message(),
              HasSubstr("cp-1 has 0 MB free under /home (0 bytes), and installing takes 67 MB "
                        "there (70254592 bytes), for /home/ops: free at least 67 MB"));
  EXPECT_FALSE(touched("upload"));
  EXPECT_FALSE(touched("mkdir"));
  free_kb = "68608";
  EXPECT_TRUE(method.install(server.node, to(), soon())) << "one file at a time passes through";
}

TEST_F(TarballTest, adds_up_what_the_home_and_the_stage_need_on_one_file_system) {
  write("rke2-images.linux-amd64.tar.gz", std::string(3u << 20, 'i'));
  write_sums();
  server.node.on_run("df", says("F 1 U A C M\noverlay 1 1 70000 1% /\n"));
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_THAT(installed.error().message(),
              HasSubstr("for /root, /usr/local, /var/lib/hookshot/stage, "
                        "/var/lib/rancher/rke2/agent/images: free at least"));
  server.node.on_run("sha256sum", [this](const exec::Command& command) {
    std::string sums;
    for (std::size_t i = 2; i < command.argv.size(); ++i) {
      sums += sum(fs::path(command.argv[i]).filename()) + "  " + command.argv[i] + "\n";
    }
    return says(sums);
  });
  EXPECT_TRUE(method.install(server.node, to(), soon())) << "nothing is to be copied";
}

TEST_F(TarballTest, asks_the_nearest_folder_that_exists_for_its_space) {
  server.node.on_run("df", [](const exec::Command& command) {
    const std::string& path = command.argv.back();
    return path == "/var/lib" || path == "/usr/local" || path == "/root"
               ? says("F 1 U A C M\noverlay 1 1 99999999 1% /\n")
               : says("", 1, "df: no such file");
  });
  EXPECT_TRUE(method.install(server.node, to(), soon()));
}

TEST_F(TarballTest, tells_what_a_failed_installer_said_and_what_is_on_disk) {
  server.node.on_run("/bin/sh", says("", 1, "[ERROR]  download sha256 does not match\n"));
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::remote_failed);
  EXPECT_FALSE(touched("rm --recursive")) << "what was copied serves the next try";
  EXPECT_THAT(installed.error().message(), HasSubstr("sha256 does not match"));
  EXPECT_THAT(installed.error().message(), HasSubstr("on disk is v1.30.12+rke2r1"));
  EXPECT_THAT(installed.error().message(), HasSubstr("safe to run this again"));
}

TEST_F(TarballTest, tells_the_node_s_state_when_the_connection_is_lost_under_the_installer) {
  server.node.on_run("/bin/sh", [this](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    return fail(ErrorCode::unreachable, "cp-1: connection reset");
  });
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(installed.error().message(), HasSubstr("run install.sh of v1.30.13-rc2+rke2r1"));
  EXPECT_THAT(installed.error().message(), HasSubstr("on disk is v1.30.12+rke2r1"));
  EXPECT_THAT(installed.error().message(), HasSubstr("the service was not touched"));
}

TEST_F(TarballTest, says_that_the_state_is_unknown_when_the_node_stays_away) {
  server.node.on_run("/bin/sh", [this](const exec::Command&) -> Result<exec::CommandResult> {
    server.node.lose_connection();
    server.node.set_reconnect_error(Error(ErrorCode::unreachable, "no route"));
    return fail(ErrorCode::unreachable, "cp-1: connection reset");
  });
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_THAT(installed.error().message(), HasSubstr("its state is unknown"));
}

TEST_F(TarballTest, stops_between_two_files_and_says_what_is_on_disk) {
  std::stop_source stop;
  server.node.on_run("mkdir", [&](const exec::Command&) {
    stop.request_stop();
    return says("");
  });
  const auto installed = method.install(server.node, to(), soon(), stop.get_token());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::refused);
  EXPECT_THAT(installed.error().message(),
              HasSubstr("stage v1.30.13-rc2+rke2r1 on cp-1: copy rke2.linux-amd64.tar.gz: "
                        "interrupted (on disk is v1.30.12+rke2r1; the service was not touched; it "
                        "is safe to run this again)"));
  EXPECT_FALSE(touched("upload"));
  EXPECT_FALSE(touched("/bin/sh"));
}

TEST_F(TarballTest, stops_in_the_middle_of_a_copy) {
  std::stop_source stop;
  server.node.on_upload([&] { stop.request_stop(); });
  const auto installed = method.install(server.node, to(), soon(), stop.get_token());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::refused);
  EXPECT_THAT(installed.error().message(),
              HasSubstr("copy rke2.linux-amd64.tar.gz: interrupted (on disk is v1.30.12+rke2r1"));
  EXPECT_TRUE(server.node.uploads().empty());
}

TEST_F(TarballTest, ends_a_command_that_hangs_at_a_stop_and_says_what_is_on_disk) {
  for (const char* command : {"sha256sum", "/bin/sh"}) {
    FakeServer fresh;
    fresh.node.on_run("sha256sum", says("", 1, "No such file"));
    fresh.node.on_run("mkdir", says(""));
    fresh.node.on_run("df", says("F 1 U A C M\noverlay 1 1 99999999 1% /\n"));
    fresh.node.hang_on_run(command);
    std::stop_source stop;
    const std::jthread ctrl_c([&](const std::stop_token& over) {
      static_cast<void>(paced(std::chrono::milliseconds(20), over));
      stop.request_stop();
    });
    const auto began = std::chrono::steady_clock::now();
    const auto installed = method.install(fresh.node, to(), soon(), stop.get_token());
    ASSERT_FALSE(installed);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    EXPECT_EQ(installed.error().code(), ErrorCode::refused);
    EXPECT_THAT(installed.error().message(),
                HasSubstr("interrupted (on disk is v1.30.12+rke2r1; the service was not touched"));
    EXPECT_EQ(installed.error().message().find("in part") != std::string::npos,
              std::string(command) == "/bin/sh")
        << installed.error().message();
  }
}

TEST_F(TarballTest, does_not_believe_an_installer_that_left_the_old_version) {
  server.node.on_run("/bin/sh", says("[INFO] done\n"));
  const auto installed = method.install(server.node, to(), soon());
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().code(), ErrorCode::remote_failed);
  EXPECT_THAT(installed.error().message(), HasSubstr("ended well, but on disk is v1.30.12+rke2r1"));
}

TEST(InstallMethod, knows_the_tarball_and_nothing_else) {
  EXPECT_EQ(make_install_method("tarball", "/srv/rke2").value()->name(), "tarball");
  const auto other = make_install_method("rpm", "/srv/rke2");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(other.error().message(), HasSubstr("there is tarball"));
}

}  // namespace
}  // namespace harness::upgrade
