#include "harness/lab/standin/etcd_temporary.h"

#include <csignal>
#include <filesystem>
#include <thread>

#include "harness/lab/standin/child.h"
#include "harness/lab/standin/gate.h"
#include "harness/lab/standin/http_client.h"
#include "harness/lab/standin/logrus.h"

namespace harness::standin {

namespace fs = std::filesystem;

fs::path temporary_etcd_folder(const Paths& paths) {
  return paths.bin() / "etcd-standin";
}

namespace {

constexpr const char* kLoader = "ld-linux-x86-64.so.2";
constexpr const char* kClient = "http://127.0.0.1:2399";
constexpr const char* kPeer = "http://127.0.0.1:2400";
constexpr int kTries = 60;

Status can_start(const Paths& paths) {
  std::error_code ignored;
  for (const auto& [what, needed] :
       {std::pair{"no etcd program", temporary_etcd_folder(paths) / "etcd"},
        std::pair{"no etcd program", temporary_etcd_folder(paths) / kLoader},
        std::pair{"no database", paths.etcd_db() / "member"}}) {
    if (!fs::exists(needed, ignored)) {
      return fail(
          ErrorCode::not_supported,
          std::string(what) + " for the temporary etcd: " + needed.string() + " is missing");
    }
  }
  return {};
}

Status copy_database(const Paths& paths, const fs::path& copy) {
  std::error_code error;
  fs::remove_all(copy, error);
  fs::create_directories(copy, error);
  fs::copy(paths.etcd_db() / "member", copy / "member", fs::copy_options::recursive, error);
  return error ? fail(ErrorCode::internal, "copy of the database: " + error.message()) : Status();
}

std::vector<std::string> command_of(const std::string& folder,
                                    const fs::path& data,
                                    const std::string& name) {
  return {folder + "/" + kLoader,
          "--library-path",
          folder,
          folder + "/etcd",
          "--data-dir=" + data.string(),
          "--name=" + name,
          "--force-new-cluster",
          std::string("--listen-client-urls=") + kClient,
          std::string("--advertise-client-urls=") + kClient,
          std::string("--listen-peer-urls=") + kPeer,
          std::string("--initial-advertise-peer-urls=") + kPeer,
          "--initial-cluster=" + name + "=" + kPeer,
          "--logger=zap",
          "--log-outputs=stderr"};
}

Result<Json> ask(const Json& range, Gate& ended) {
  for (int tries = 0; tries < kTries && !ended.is_open(); ++tries) {
    HttpClient client(kClient, {});
    const auto reply =
        client.send({"POST", "/v3/kv/range", range.dump(), {}, std::chrono::seconds(5)});
    if (reply && reply->status == 200) {
      return parse_json(reply->body);
    }
    ended.wait_for(std::chrono::milliseconds(500));
  }
  return fail(ErrorCode::timed_out, "temporary etcd did not answer");
}

}  // namespace

Result<Json> ask_temporary_etcd(const Paths& paths, const std::string& name, const Json& range) {
  const fs::path copy = paths.server() / "db/etcd-tmp";
  TRY(can_start(paths), "");
  TRY(copy_database(paths, copy), "");
  pid_t pid = 0;
  Gate started;
  Gate ended;
  std::thread child([&] {
    run({command_of(temporary_etcd_folder(paths), copy, name), {}, {}}, [&](pid_t value) {
      pid = value;
      started.open();
    });
    started.open();
    ended.open();
  });
  started.wait();
  Result<Json> answer = ask(range, ended);
  if (pid > 0 && !ended.is_open()) {
    ::kill(pid, SIGTERM);
    if (!ended.wait_for(std::chrono::seconds(5))) {
      ::kill(pid, SIGKILL);
    }
  }
  child.join();
  std::error_code ignored;
  fs::remove_all(copy, ignored);
  return answer;
}

}  // namespace harness::standin
