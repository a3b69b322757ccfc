#include "harness/lab/standin/etcd_temporary.h"

#include <csignal>
#include <filesystem>
#include <thread>

#include "harness/lab/standin/child.h"
#include "harness/lab/standin/gate.h"
#include "harness/lab/standin/http_client.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/token.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

constexpr const char* kProgram = "/usr/bin/etcd";
constexpr const char* kClient = "http://127.0.0.1:2399";
constexpr const char* kPeer = "http://127.0.0.1:2400";
constexpr int kTries = 60;

}  // namespace

std::string bootstrap_key(const Paths& paths) {
  const auto text = machine::read_file(paths.server() / "token");
  const auto token = parse_token(text ? *text : "", "server");
  return "/bootstrap/" + machine::sha256_hex(token ? token->password : "").substr(0, 12);
}

std::string bootstrap_data(const Paths& paths) {
  Json digests;
  for (const char* file : {"client-ca.crt",
                           "server-ca.crt",
                           "request-header-ca.crt",
                           "service.key",
                           "etcd/server-ca.crt",
                           "etcd/peer-ca.crt"}) {
    const auto content = machine::read_file(paths.tls() / file);
    digests[file] = machine::sha256_hex(content ? *content : "");
  }
  return digests.dump();
}

Result<Json> ask_temporary_etcd(const Paths& paths,
                                const std::string& name,
                                const std::string& base64_key) {
  const fs::path copy = paths.server() / "db/etcd-tmp";
  std::error_code error;
  if (!fs::exists(kProgram) || !fs::exists(paths.etcd_db() / "member")) {
    return Json::object();
  }
  fs::remove_all(copy, error);
  fs::create_directories(copy, error);
  fs::copy(paths.etcd_db() / "member", copy / "member", fs::copy_options::recursive, error);
  if (error) {
    return fail(ErrorCode::internal, "copy of the database: " + error.message());
  }
  pid_t pid = 0;
  Gate started;
  Gate ended;
  std::thread child([&] {
    run({{kProgram,
          "--data-dir=" + copy.string(),
          "--name=" + name,
          "--force-new-cluster",
          std::string("--listen-client-urls=") + kClient,
          std::string("--advertise-client-urls=") + kClient,
          std::string("--listen-peer-urls=") + kPeer,
          std::string("--initial-advertise-peer-urls=") + kPeer,
          "--initial-cluster=" + name + "=" + kPeer,
          "--logger=zap",
          "--log-outputs=stderr"},
         {},
         {}},
        [&](pid_t value) {
          pid = value;
          started.open();
        });
    started.open();
    ended.open();
  });
  started.wait();
  Result<Json> answer = fail(ErrorCode::timed_out, "temporary etcd did not answer");
  for (int tries = 0; tries < kTries && !ended.is_open(); ++tries) {
    HttpClient client(kClient, {});
    const auto reply = client.send(
        {"POST", "/v3/kv/range", Json{{"key", base64_key}}.dump(), {}, std::chrono::seconds(5)});
    if (reply && reply->status == 200) {
      answer = parse_json(reply->body);
      break;
    }
    ended.wait_for(std::chrono::milliseconds(500));
  }
  if (pid > 0 && !ended.is_open()) {
    ::kill(pid, SIGTERM);
    if (!ended.wait_for(std::chrono::seconds(5))) {
      ::kill(pid, SIGKILL);
    }
  }
  child.join();
  fs::remove_all(copy, error);
  return answer;
}

}  // namespace harness::standin
