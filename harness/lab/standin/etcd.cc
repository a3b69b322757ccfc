#include "harness/lab/standin/etcd.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/lab/standin/bootstrap.h"
#include "harness/lab/standin/etcd_members.h"
#include "harness/lab/standin/etcd_temporary.h"
#include "harness/lab/standin/join.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/manifest.h"
#include "harness/lab/standin/yaml.h"

namespace harness::standin {

namespace fs = std::filesystem;

namespace {

constexpr auto kTestPeriod = std::chrono::seconds(5);
constexpr auto kStatusTimeout = std::chrono::seconds(30);

std::string number_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return "0";
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

EtcdWords etcd_words(Readiness readiness) {
  if (readiness == Readiness::slow) {
    return {"etcd data store connection OK", "Failed to test data store connection: "};
  }
  return {"Connection to etcd is ready", "Failed to test etcd connection: "};
}

bool try_client_port(const Result<HttpReply>& from_gateway) {
  return from_gateway
             ? from_gateway->status == 404
             : from_gateway.error().message().find("connection refused") != std::string::npos;
}

bool Etcd::initialized() const {
  std::error_code ignored;
  return fs::is_directory(node_.paths.etcd_db() / "member/wal", ignored);
}

Result<std::string> Etcd::name() const {
  const fs::path file = node_.paths.etcd_db() / "name";
  if (auto kept = machine::read_file(file)) {
    return kept;
  }
  const std::string fresh = node_.config.node_name + "-" + machine::random_hex(4);
  TRY(machine::write_file(file, fresh), "etcd name");
  return fresh;
}

// The HTTP gateway of etcd 3.5 is on a port of its own; etcd 3.4 serves it on the client port.
Result<Json> Etcd::ask(const std::string& path, const Json& body) {
  Result<HttpReply> reply = fail(ErrorCode::unreachable, "");
  const Deadline deadline = Deadline::after(kStatusTimeout);
  for (const char* base : {"https://127.0.0.1:2382", "https://127.0.0.1:2379"}) {
    HttpClient client(base, node_.etcd_identity());
    reply = client.send({"POST",
                         path,
                         body.dump(),
                         {{"Content-Type", "application/json"}},
                         std::max(deadline.left(), std::chrono::milliseconds(1))});
    if (!try_client_port(reply)) {
      break;
    }
  }
  if (!reply) {
    const auto& text = reply.error().message();
    const auto reason = text.rfind("\": ");
    return fail(ErrorCode::unreachable,
                fmt::format("rpc error: code = Unavailable desc = connection error: desc = "
                            "\"transport: Error while "
                            "dialing: {}\"",
                            reason == std::string::npos ? text : text.substr(reason + 3)));
  }
  TRY_ASSIGN(Json answer, parse_json(reply->body), "etcd");
  if (reply->status != 200) {
    return fail(ErrorCode::remote_failed, json_string(answer, "error", reply->body));
  }
  return answer;
}

Status Etcd::test() {
  const auto status = ask("/v3/maintenance/status", Json::object());
  if (!status) {
    return fail(ErrorCode::unreachable, "failed to get etcd status: " + status.error().message());
  }
  if (json_bool(*status, "isLearner")) {
    return fail(ErrorCode::remote_failed,
                "this server has not yet been promoted from learner to voting member");
  }
  if (number_text(*status, "leader") == "0") {
    return fail(ErrorCode::remote_failed, "etcdserver: no leader");
  }
  const auto sizes = [](const Json& one) {
    return fmt::format(
        "{} of {} bytes", number_text(one, "dbSizeInUse"), number_text(one, "dbSize"));
  };
  logrus::info("Connected to etcd v{} - datastore using {}",
               json_string(*status, "version"),
               sizes(*status));
  if (const auto errors = status->find("errors");
      errors != status->end() && errors->is_array() && !errors->empty()) {
    logrus::warning("Errors present on etcd cluster: {}", errors->dump());
  }
  logrus::info("Defragmenting etcd database");
  if (const auto done = ask("/v3/maintenance/defragment", Json::object()); !done) {
    return fail(ErrorCode::remote_failed,
                "failed to defragment etcd database: " + done.error().message());
  }
  const auto after = ask("/v3/maintenance/status", Json::object());
  if (!after) {
    return fail(ErrorCode::unreachable, "failed to get etcd status: " + after.error().message());
  }
  logrus::info("Datastore using {} after defragment", sizes(*after));
  const auto members = ask("/v3/cluster/member/list", Json::object());
  if (!members) {
    return fail(ErrorCode::remote_failed,
                "failed to get etcd MemberList: " + members.error().message());
  }
  TRY_ASSIGN(const std::string own, name(), "name");
  std::string found;
  for (const Member& member : members_in(*members)) {
    if (member.name == own) {
      return {};
    }
    found += fmt::format("{}{}={}",
                         found.empty() ? "" : " ",
                         member.name,
                         member.peer_urls.empty() ? "" : member.peer_urls.front());
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("this server is a not a member of the etcd cluster. Found [{}], expect: "
                          "{}={}",
                          found,
                          own,
                          peer_url()));
}

void Etcd::test_until_ready() {
  const EtcdWords words = etcd_words(node_.build.readiness);
  for (;;) {
    if (const auto result = test(); result) {
      logrus::info("{}", words.ready);
      node_.etcd_ready.open();
      return;
    } else {
      logrus::info("{}{}", words.failed, result.error().message());
    }
    paced(kTestPeriod, {});
  }
}

void Etcd::save_bootstrap() {
  logrus::info("Saving cluster bootstrap data to datastore");
  const auto data = bootstrap_data(node_.paths);
  const auto put = ask("/v3/kv/put",
                       {{"key", machine::base64(bootstrap_key(node_.config, node_.paths))},
                        {"value", machine::base64(data)}});
  if (!put) {
    logrus::error("Failed to save cluster bootstrap data: {}", put.error().message());
  }
}

Status Etcd::reconcile() {
  if (!node_.config.server.empty()) {
    const auto reconciled = reconcile_with_server(node_);
    if (reconciled) {
      logrus::info("Successfully reconciled with remote datastore");
      return {};
    }
    logrus::warning("Unable to reconcile with remote datastore: {}", reconciled.error().message());
  }
  logrus::info("Starting temporary etcd to reconcile with datastore");
  const Json range = bootstrap_range();
  Result<Json> answer = ask("/v3/kv/range", range);
  if (!answer) {
    logrus::info("Failed to test temporary data store connection: {}", answer.error().message());
    TRY_ASSIGN(const std::string own, name(), "name");
    answer = ask_temporary_etcd(node_.paths, own, range);
  }
  if (!answer) {
    return fail(answer.error());
  }
  logrus::info("etcd temporary data store connection OK");
  logrus::info("Reconciling bootstrap data between datastore and disk");
  const auto kept = bootstrap_value(*answer, bootstrap_key(node_.config, node_.paths));
  if (!kept) {
    return fail(kept.error());
  }
  return kept->empty() ? Status{} : reconcile_files(node_.paths, *kept);
}

Status Etcd::start() {
  TRY_ASSIGN(const std::string own, name(), "etcd name");
  background([this] {
    manage_learners([this](const std::string& path, const Json& body) { return ask(path, body); });
  });
  const bool member = initialized();
  if (!member && !node_.config.server.empty()) {
    background([this, own] { join(own); });
    return {};
  }
  const std::string peer = peer_url();
  EtcdInitial initial{peer, own + "=" + peer, "new"};
  if (member) {
    logrus::info("Starting etcd for existing cluster member");
    if (const auto manifest = machine::read_file(node_.paths.manifests() / "etcd.yaml")) {
      if (const auto kept = parse_json(annotation_in(*manifest, "etcd.k3s.io/initial"))) {
        initial = {json_string(*kept, "initial-advertise-peer-urls", initial.advertise_peer_url),
                   json_string(*kept, "initial-cluster", initial.cluster),
                   json_string(*kept, "initial-cluster-state", initial.state)};
      }
    }
  } else {
    logrus::info("Starting etcd for new cluster, cluster-reset=false");
  }
  return run(own, initial);
}

void Etcd::join(const std::string& own) {
  const auto cluster = join_etcd(node_, own);
  if (!cluster) {
    logrus::fatal("etcd cluster join failed: {}", cluster.error().message());
  }
  if (const auto running = run(own, {peer_url(), *cluster, "existing"}); !running) {
    logrus::fatal("etcd cluster join failed: {}", running.error().message());
  }
}

Status Etcd::run(const std::string& own, const EtcdInitial& initial) {
  node_.etcd_started.open();
  background([this] {
    test_until_ready();
    save_bootstrap();
  });

  const fs::path config = node_.paths.etcd_db() / "config";
  TRY(machine::write_file(config, to_yaml(etcd_config(node_, own, initial))), "etcd configuration");
  std::error_code ignored;
  fs::permissions(node_.paths.etcd_db(), fs::perms::owner_all, ignored);

  TRY_ASSIGN(const PodArgs pod, etcd_pod(node_, config, initial), "etcd");
  return write_pod(node_.paths.manifests(), pod);
}

std::string Etcd::peer_url() const {
  return fmt::format("https://{}:2380", node_.config.node_ip);
}

}  // namespace harness::standin
