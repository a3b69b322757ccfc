#include "harness/ssh/local_sshd.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>

#include "harness/base/eventually.h"
#include "harness/exec/local_runner.h"
#include "harness/exec/unique_fd.h"
#include "harness/ssh/dial.h"

namespace harness::ssh {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void children_of(int pid, std::vector<int>& found) {
  std::ifstream list(fmt::format("/proc/{}/task/{}/children", pid, pid));
  for (int child = 0; list >> child;) {
    found.push_back(child);
    children_of(child, found);
  }
}

bool serves(int pid) {
  return slurp(fmt::format("/proc/{}/comm", pid)).starts_with("sshd");
}

}  // namespace

int free_port() {
  const exec::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), plain, size) != 0 || ::getsockname(fd.get(), plain, &size) != 0) {
    return 0;
  }
  return ::ntohs(address.sin_port);
}

Result<std::unique_ptr<LocalSshd>> LocalSshd::start(const std::vector<std::string>& extra_config) {
  std::unique_ptr<LocalSshd> daemon(new LocalSshd);
  TRY(daemon->prepare(extra_config), "start a local sshd");
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (daemon->listen()) {
      return daemon;
    }
  }
  return fail(ErrorCode::not_supported, "sshd does not start: " + daemon->log());
}

LocalSshd::~LocalSshd() {
  signal_connections(SIGKILL);
  daemon_.end();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Status LocalSshd::prepare(const std::vector<std::string>& extra_config) {
  for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd"}) {
    if (fs::exists(path)) {
      sshd_ = path;
    }
  }
  const passwd* self = ::getpwuid(::geteuid());
  if (sshd_.empty() || self == nullptr) {
    return fail(
        ErrorCode::not_supported,
        sshd_.empty() ? "there is no sshd (package openssh-server)" : "this user has no name");
  }
  std::error_code problem;
  if (::geteuid() == 0) {
    fs::create_directories("/run/sshd", problem);
  }
  user_ = self->pw_name;
  std::string name = (fs::temp_directory_path() / "hookshot-sshd-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(ErrorCode::not_supported, "no temporary folder");
  }
  folder_ = name;
  extra_config_ = extra_config;
  if (make_key("host_key").empty()) {
    return fail(ErrorCode::not_supported, "ssh-keygen does not run");
  }
  allow(make_key("user_key"));
  return {};
}

bool LocalSshd::listen() {
  port_ = free_port();
  std::ofstream config(folder_ / "sshd_config");
  config
      << "Port " << port_ << "\nListenAddress 127.0.0.1\nHostKey "
      << (folder_ / "host_key").string() << "\nPidFile none\nAuthorizedKeysFile "
      << (folder_ / "authorized_keys").string()
      << "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
         "PermitRootLogin prohibit-password\nMaxStartups 200\nLogLevel VERBOSE\nUseDNS no\n";
  bool own_sftp = false;
  for (const std::string& line : extra_config_) {
    config << line << "\n";
    own_sftp = own_sftp || line.starts_with("Subsystem");
  }
  if (!own_sftp) {
    config << "Subsystem sftp internal-sftp\n";
  }
  config.close();
  std::ofstream known(folder_ / "known_hosts");
  known << "[127.0.0.1]:" << port_ << " " << slurp(folder_ / "host_key.pub");
  known.close();
  daemon_ = exec::TestProcess(
      {sshd_.string(), "-D", "-e", "-f", (folder_ / "sshd_config").string()}, folder_ / "log");
  const auto up =
      eventually("sshd",
                 Deadline::after(std::chrono::seconds(60)),
                 std::chrono::milliseconds(10),
                 [this]() -> Result<Observation> {
                   if (!daemon_.running()) {
                     return fail(ErrorCode::remote_failed, "it ended");
                   }
                   return Observation{log().find("Server listening") != std::string::npos, log()};
                 });
  return bool(up);
}

Target LocalSshd::target(std::string name) const {
  Target target;
  target.name = std::move(name);
  target.host = "127.0.0.1";
  target.port = port_;
  target.user = user_;
  target.key_file = folder_ / "user_key";
  target.known_hosts = folder_ / "known_hosts";
  return target;
}

fs::path LocalSshd::make_key(const std::string& name, const std::string& passphrase) const {
  const fs::path path = folder_ / name;
  const auto made = exec::LocalRunner().run(
      {.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path.string()}},
      Deadline::after(std::chrono::seconds(60)));
  return made && made->ok() ? path : fs::path();
}

void LocalSshd::allow(const fs::path& key) const {
  std::ofstream(folder_ / "authorized_keys", std::ios::app) << slurp(key.string() + ".pub");
}

std::vector<int> LocalSshd::connections() const {
  std::vector<int> all;
  children_of(daemon_.pid(), all);
  std::erase_if(all, [](int pid) { return !serves(pid); });
  return all;
}

void LocalSshd::signal_connections(int signal) const {
  for (const int pid : connections()) {
    ::kill(pid, signal);
  }
}

std::string LocalSshd::log() const {
  return slurp(folder_ / "log");
}

}  // namespace harness::ssh
