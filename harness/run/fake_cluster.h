// A cluster of one server for tests of whole runs, with a guard that fires what is armed into the
// start of the service. Nothing waits for time to pass: healing waits until the probes have seen
// enough for the checks.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/base/eventually.h"
#include "harness/cluster/borrowed_node.h"
#include "harness/cluster/cluster.h"
#include "harness/run/fake_service.h"

namespace harness::run {

class FakeCluster {
 public:
  // Where an armed fault falls in the next start of the service.
  enum class Falls { inside, after, nowhere };

  FakeCluster() {
    script_node();
    script_lease();
    script_guard();
  }

  std::unique_ptr<cluster::Cluster> connect() {
    std::vector<std::unique_ptr<cluster::Node>> nodes;
    nodes.push_back(std::make_unique<Connection>(*this));
    return std::make_unique<cluster::Cluster>("lab", std::move(nodes));
  }

  // How often something was asked of the node, by the front of its text: "arm", "systemctl
  // restart".
  int asked(const std::string& text) const {
    int out = 0;
    for (const auto& seen : service.server.node.traffic()) {
      out += seen.text.starts_with(text) ? 1 : 0;
    }
    return out;
  }

  // The states of the guard's records, in the order of their ids.
  std::vector<std::string> states() const {
    const std::lock_guard held(mutex_);
    std::vector<std::string> out;
    for (const auto& [id, record] : records_) {
      out.push_back(json_string(record, "state"));
    }
    return out;
  }

  FakeService service;
  Falls falls = Falls::inside;
  bool undoes = true;                     // else a fault that was applied cannot be taken back
  std::string lacks;                      // what the node has not that a fault needs
  std::string leased_to;                  // somebody else
  std::atomic<bool> lease_taken = false;  // by somebody else, in the middle of the run
  // Ahead of a start of the service while something is armed; or instead of it.
  std::function<void()> ahead_of_start;
  std::function<Result<exec::CommandResult>()> instead_of_start;

 private:
  static constexpr int kEnoughProbes = 12;  // one more than the checks want may be on its way

  // The facts of one watch, then the node's clock for as long as somebody reads.
  class Watch final : public cluster::LineStream {
   public:
    explicit Watch(FakeCluster& of) : of_(of) {}

    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    ~Watch() override {
      const std::lock_guard held(of_.mutex_);
      of_.watched_ = false;
    }

    Result<std::optional<Json>> next(Deadline) override {
      const bool silent = [this] {
        const std::lock_guard held(of_.mutex_);
        return of_.service.all_told();
      }();
      if (silent) {
        paced(std::chrono::milliseconds(1), {});
      }
      const std::lock_guard held(of_.mutex_);
      return std::optional(of_.service.next_fact());
    }

   private:
    FakeCluster& of_;
  };

  class Connection final : public cluster::BorrowedNode {
   public:
    explicit Connection(FakeCluster& of) : BorrowedNode(of.service.server.node), of_(of) {}

    Result<std::unique_ptr<cluster::LineStream>> guard_stream(std::string_view,
                                                              const Json&,
                                                              Deadline) override {
      const std::lock_guard held(of_.mutex_);
      of_.watched_ = true;
      of_.service.begin_watch();
      return std::make_unique<Watch>(of_);
    }

    Result<cluster::HttpResponse> http(const cluster::HttpRequest& request,
                                       Deadline deadline) override {
      auto answer = BorrowedNode::http(request, deadline);
      const std::lock_guard held(of_.mutex_);
      ++of_.answers_[request.path];
      return answer;
    }

   private:
    FakeCluster& of_;
  };

  void start() {
    service.start([this](const Json& opened) { fire(Falls::inside, opened); },
                  [this](const Json& opened) { fire(Falls::after, opened); });
    for (auto& [id, record] : records_) {
      if (json_string(record, "state") == "ARMED") {
        record.update(
            {{"state", "MISSED"}, {"outcome", "missed"}, {"reason", "the window closed first"}});
      }
    }
    answers_.clear();
  }

  void fire(Falls here, const Json& opened) {
    for (auto& [id, record] : records_) {
      if (falls != here || json_string(record, "state") != "ARMED") {
        continue;
      }
      record.update({{"opened", opened}, {"seen", service.moment()}, {"begun", service.moment()}});
      const std::string killed = service.kill_etcd();
      record.update({{"state", undoes ? "VERIFIED" : "APPLIED"},
                     {"outcome", "applied"},
                     {"invocation", service.server.invocation},
                     {"boot_id", service.server.boot},
                     {"effect", service.moment()},
                     {"evidence", {{"summary", killed + " is gone"}, {"container", killed}}}});
    }
  }

  bool something_is_armed() const {
    const std::lock_guard held(mutex_);
    return std::ranges::any_of(
        records_, [](const auto& one) { return json_string(one.second, "state") == "ARMED"; });
  }

  void script_node() {
    service.server.node.on_run("systemctl restart",
                               [this](const exec::Command&) -> Result<exec::CommandResult> {
                                 const bool armed = something_is_armed();
                                 if (armed && ahead_of_start) {
                                   ahead_of_start();
                                 }
                                 if (armed && instead_of_start) {
                                   return instead_of_start();
                                 }
                                 const std::lock_guard held(mutex_);
                                 start();
                                 return exec::CommandResult();
                               });
  }

  void script_lease() {
    service.server.node.on_guard("lease-acquire", [this](const Json&) -> Result<std::vector<Json>> {
      if (!leased_to.empty()) {
        return fail(ErrorCode::refused, leased_to + " holds the lease");
      }
      return std::vector<Json>{};
    });
    service.server.node.on_guard("lease-renew", [this](const Json&) -> Result<std::vector<Json>> {
      if (lease_taken) {
        return fail(ErrorCode::refused, "ann@elsewhere holds the lease");
      }
      return std::vector<Json>{};
    });
    service.server.node.on_guard("lease-release", std::vector<Json>{});
  }

  void script_guard() {
    service.server.node.on_guard("facts", [this](const Json&) {
      const std::lock_guard held(mutex_);
      return std::vector<Json>{{{"type", "facts"},
                                {"boot_id", service.server.boot},
                                {"node_wall_us", wall_now_us()},
                                {"allow", "lab"},
                                {"quarantine", quarantine_}}};
    });
    service.server.node.on_guard("clean",
                                 std::vector<Json>{{{"type", "clean"}, {"left", Json::array()}}});
    service.server.node.on_guard("heartbeat", std::vector<Json>{});
    service.server.node.on_guard("arm", [this](const Json& record) -> Result<std::vector<Json>> {
      const std::lock_guard held(mutex_);
      if (!lacks.empty()) {
        return fail(ErrorCode::not_supported, lacks);
      }
      Json& kept = records_[json_string(record, "id")];
      kept = {{"type", "record"}, {"id", record["id"]}, {"state", "ARMED"}};
      kept["window"] = record["trigger"]["window"];
      return std::vector<Json>{{{"type", "armed"}, {"id", record["id"]}, {"state", "ARMED"}}};
    });
    service.server.node.on_guard("status", [this](const Json&) {
      const std::lock_guard held(mutex_);
      std::vector<Json> out;
      for (const auto& [id, record] : records_) {
        out.push_back(record);
      }
      return out;
    });
    service.server.node.on_guard("heal", [this](const Json&) { return heal(); });
  }

  Result<std::vector<Json>> heal() {
    TRY(eventually("the probes have seen enough",
                   Deadline::after(std::chrono::seconds(20)),
                   std::chrono::milliseconds(1),
                   [this]() -> Result<Observation> {
                     const std::lock_guard held(mutex_);
                     const bool seen = answers_["/readyz?verbose"] >= kEnoughProbes &&
                                       answers_["/livez?verbose"] >= kEnoughProbes &&
                                       service.all_told();
                     return Observation{.done = !watched_ || seen, .seen = "too few"};
                   }),
        "heal");
    const std::lock_guard held(mutex_);
    std::vector<Json> out;
    for (auto& [id, record] : records_) {
      const std::string state = json_string(record, "state");
      if (state == "VERIFIED" || state == "MISSED") {
        continue;
      }
      const bool undone = undoes || state == "ARMED";
      record["state"] = undone ? "VERIFIED" : "DIRTY";
      quarantine_ = quarantine_ || !undone;
      out.push_back({{"type", "healed"},
                     {"id", id},
                     {"state", record["state"]},
                     {"summary", undone ? "taken back" : "it does not let go"}});
    }
    return out;
  }

  mutable std::mutex mutex_;  // all below
  std::map<std::string, Json> records_;
  bool quarantine_ = false;
  bool watched_ = false;
  std::map<std::string, int> answers_;  // since the service started, by path
};

}  // namespace harness::run
