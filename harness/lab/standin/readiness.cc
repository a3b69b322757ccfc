#include "harness/lab/standin/readiness.h"

#include "harness/base/json.h"
#include "harness/base/time.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/sync.h"
#include "harness/lab/standin/ticker.h"

namespace harness::standin {

namespace {

constexpr auto kPeriod = std::chrono::seconds(2);
constexpr auto kRequest = std::chrono::seconds(15);
constexpr auto kLimit = std::chrono::minutes(15);
constexpr auto kSlowTry = std::chrono::seconds(30);

// Empty when ready.
std::string ask(const Node& node) {
  HttpClient client(node.apiserver, node.readiness_identity());
  const auto reply = client.send({"GET", "/readyz?timeout=15s&verbose=", "", {}, kRequest});
  if (!reply) {
    return reply.error().message();
  }
  if (reply->status == 200) {
    return {};
  }
  const auto body = parse_json(reply->body);
  return body ? json_string(*body, "message", reply->body)
              : "an error on the server (\"" + reply->body +
                    "\") has prevented the request from succeeding";
}

bool poll(const Node& node, std::chrono::seconds limit, std::string& last) {
  const Deadline deadline = Deadline::after(limit);
  Ticker ticker(kPeriod);
  for (;;) {
    const std::string why = ask(node);
    if (why.empty()) {
      return true;
    }
    if (why != last) {
      logrus::info("Polling for API server readiness: GET /readyz failed: {}", why);
      last = why;
    }
    if (deadline.passed()) {
      return false;
    }
    ticker.wait();
  }
}

void poll_or_die(Node& node) {
  std::string last;
  if (!poll(node, kLimit, last)) {
    logrus::fatal(
        "Failed to wait for API server to become ready: timed out waiting for the condition");
  }
  node.apiserver_ready.open();
}

}  // namespace

void wait_slowly(const Gate& etcd_ready, const std::function<bool()>& attempt) {
  while (!etcd_ready.wait_for(kSlowTry)) {
    logrus::info("Waiting for etcd server to become available");
  }
  do {
    logrus::info("Waiting for API server to become available");
  } while (!attempt());
}

void start_readiness(Node& node) {
  background([&node] {
    switch (node.build.readiness) {
      case Readiness::slow:
        if (!node.server) {
          poll_or_die(node);
          break;
        }
        wait_slowly(node.etcd_ready,
                    [&node, last = std::string()]() mutable { return poll(node, kSlowTry, last); });
        node.apiserver_ready.open();
        break;
      case Readiness::readyz:
        poll_or_die(node);
        break;
      case Readiness::synced:
        sync_static_pods(node);
        poll_or_die(node);
        break;
    }
  });
}

}  // namespace harness::standin
