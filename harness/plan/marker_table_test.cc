// Every moment of a start, in the shapes that journals show it, and lines that look like one and
// mark nothing. The texts are those of RKE2's sources; the lines are ours.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/event/line.h"
#include "harness/plan/plan.h"

namespace harness::plan {
namespace {

struct Moment {
  const char* window;
  bool opens;
  std::string msg;
};

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return out;
}

std::string logrus(const std::string& msg, const std::string& level = "info") {
  return "time=\"2025-05-16T09:07:39Z\" level=" + level + " msg=\"" + quoted(msg) + "\"";
}

const std::vector<Moment>& moments() {
  static const std::vector<Moment> kMoments = {
      {"bootstrap", true, "Managed etcd cluster bootstrap already complete and initialized"},
      {"bootstrap", true, "Starting temporary etcd to reconcile with datastore"},
      {"runtime",
       true,
       "Runtime image index.docker.io/rancher/rke2-runtime:v1.30.13-rc2-rke2r1 bin and charts "
       "directories already exist; skipping extract"},
      {"runtime",
       true,
       "Checking local image archives in /var/lib/rancher/rke2/agent/images for "
       "index.docker.io/rancher/rke2-runtime:v1.30.12-rke2r1"},
      {"runtime",
       true,
       "Pulling runtime image index.docker.io/rancher/rke2-runtime:v1.30.12-rke2r1"},
      {"preload", true, "containerd is now running"},
      {"runtime", false, "containerd is now running"},
      {"preload",
       false,
       "Running kubelet --address=0.0.0.0 --anonymous-auth=false --config-dir=\"/var/lib\""},
      {"etcd-start", true, "Starting etcd for existing cluster member"},
      {"etcd-start", false, "Connection to etcd is ready"},
      {"static-pod-sync",
       true,
       "Pod for etcd not synced (waiting for termination of old pod sandbox), retrying"},
      {"static-pod-sync", true, "Pod for etcd not synced (pod sandbox has changed), retrying"},
      {"static-pod-sync", true, "Pod for etcd not synced (pod sandbox not found), retrying"},
      {"static-pod-sync",
       true,
       "Pod for etcd not synced (failed to list pod sandboxes: rpc error: code = Unavailable), "
       "retrying"},
      {"static-pod-sync", true, "Pod for etcd is synced"},
      {"static-pod-sync",
       true,
       "Pod for kube-apiserver not synced (waiting for termination of old pod sandbox), retrying"},
      {"static-pod-sync", false, "Pod for kube-apiserver is synced"},
      {"readyz", true, "Pod for kube-apiserver is synced"},
      {"readyz", false, "Kube API server is now running"},
      {"start-up-hooks", true, "Kube API server is now running"},
      {"start-up-hooks", true, "Applying Cluster Role Bindings"},
      {"start-up-hooks", true, "Setting runtimes"},
      {"start-up-hooks", false, "rke2 is up and running"},
  };
  return kMoments;
}

// The same moment as journals of different set-ups show it.
std::vector<std::string> shapes(const std::string& msg) {
  return {logrus(msg),
          "level=info msg=\"" + quoted(msg) + "\"",
          "level=info time=\"2025-05-16T09:07:39Z\" msg=\"" + quoted(msg) + "\" component=rke2",
          "INFO[0012] " + msg,
          "{\"level\":\"info\",\"msg\":\"" + quoted(msg) + "\",\"time\":\"2025-05-16T09:07:39Z\"}",
          "{\"msg\":\"" + quoted(msg) + "\",\"level\":\"info\"}",
          "May 16 09:07:39 cp-1 rke2[4711]: " + logrus(msg),
          "Mär 16 09:07:39 cp-1 rke2[4711]: " + logrus(msg)};
}

// Lines that carry the same words and mark nothing.
std::vector<std::string> look_alikes(const std::string& msg) {
  const std::string in = quoted(msg);
  return {logrus("Waiting: " + msg),
          logrus("Event occurred: message=\"" + msg + "\""),
          logrus("something else") + " note=\"" + in + "\"",
          "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + in,
          "I0516 09:07:39.123456    4711 server.go:42] " + msg,
          "E0516 09:07:39.123456    4711 server.go:42] \"" + msg + "\"",
          "{\"level\":\"info\",\"ts\":\"2025-05-16T09:07:39.1Z\",\"logger\":\"etcd-client\","
          "\"caller\":\"v3/retry.go:63\",\"msg\":\"" +
              in + "\"}",
          "{\"level\":\"info\",\"ts\":\"2025-05-16T09:07:39.1Z\",\"caller\":\"membership/"
          "cluster.go:1\",\"msg\":\"" +
              in + "\"}",
          "panic: " + msg,
          "+ /usr/bin/echo " + msg,
          msg,
          "goroutine 1 [running]: " + msg,
          logrus("a\n" + msg)};
}

Json fact(const std::string& line, const char* ident = "rke2") {
  return {{"type", "journal"},
          {"ident", ident},
          {"unit", "rke2-server.service"},
          {"invocation", "aa"},
          {"line", line}};
}

bool marks(const event::WindowDef& window, bool opens, const Json& fact) {
  const auto& markers = opens ? window.open : window.close;
  return std::ranges::any_of(
      markers, [&](const event::Marker& marker) { return event::matches(marker, fact); });
}

const event::WindowDef& window_of(const std::vector<event::WindowDef>& windows,
                                  const std::string& name) {
  return *std::ranges::find(windows, name, &event::WindowDef::name);
}

TEST(MarkerTable, recognises_every_moment_and_no_look_alike) {
  const auto packs = load_packs(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows");
  ASSERT_TRUE(packs) << packs.error().message();
  const auto windows = windows_for(*packs, *Version::parse("v1.30.13-rc2+rke2r1"));
  ASSERT_TRUE(windows);
  int recognised = 0;
  int refused = 0;
  for (const Moment& moment : moments()) {
    const event::WindowDef& window = window_of(*windows, moment.window);
    for (const std::string& line : shapes(moment.msg)) {
      EXPECT_TRUE(marks(window, moment.opens, fact(line))) << moment.window << ": " << line;
      ++recognised;
    }
    std::vector<Json> others;
    for (const std::string& line : look_alikes(moment.msg)) {
      others.push_back(fact(line));
    }
    // A marker that ends in `*` takes any ending on purpose.
    const auto& markers = moment.opens ? window.open : window.close;
    if (std::ranges::none_of(markers, [&](const event::Marker& marker) {
          return marker.text.ends_with('*') && event::glob_matches(marker.text, moment.msg);
        })) {
      others.push_back(fact(logrus(moment.msg + " (stale)")));
    }
    for (const char* ident : {"kubelet", "systemd", "sh", "hookshot", "rke2x"}) {
      others.push_back(fact(logrus(moment.msg), ident));
    }
    for (const Json& other : others) {
      for (const event::WindowDef& any : *windows) {
        EXPECT_FALSE(marks(any, true, other) || marks(any, false, other))
            << any.name << " took for a marker: " << other.dump();
      }
      ++refused;
    }
  }
  std::printf("marker table: %d lines recognised, %d look-alikes refused\n", recognised, refused);
  EXPECT_GE(refused, recognised);
}

TEST(MarkerTable, knows_the_older_release_lines_forms) {
  const auto packs = load_packs(std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows");
  for (const char* tag : {"v1.30.11+rke2r1", "v1.30.12+rke2r1"}) {
    const auto windows = windows_for(*packs, *Version::parse(tag));
    const event::WindowDef& readyz = window_of(*windows, "readyz");
    EXPECT_TRUE(marks(
        readyz,
        true,
        fact(logrus("Polling for API server readiness: GET /readyz failed: connection refused"))))
        << tag;
    EXPECT_TRUE(marks(readyz, true, fact(logrus("Waiting for API server to become available"))))
        << tag;
    EXPECT_FALSE(marks(readyz, true, fact(logrus("Pod for kube-apiserver is synced")))) << tag;
  }
}

TEST(Line, survives_any_bytes) {
  for (const std::string& line : {std::string(),
                                  std::string("\0\xff", 2),
                                  std::string("time=\""),
                                  std::string("{"),
                                  std::string("{\"msg\":"),
                                  std::string("msg=\"\\"),
                                  std::string("INFO["),
                                  std::string(100'000, '"'),
                                  std::string("I0516 09:07:39.123456")}) {
    const event::Line parsed = event::parse_line(line);
    EXPECT_LE(parsed.msg.size(), line.size());
  }
}

}  // namespace
}  // namespace harness::plan
