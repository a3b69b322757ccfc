#include "harness/lab/standin/etcd_members.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/eventually.h"
#include "harness/lab/standin/grpc.h"
#include "harness/lab/standin/join.h"
#include "harness/lab/standin/logrus.h"
#include "harness/lab/standin/machine.h"
#include "harness/lab/standin/proto.h"
#include "harness/lab/standin/ticker.h"

namespace harness::standin {

namespace {

constexpr auto kJoinPatience = std::chrono::seconds(20);
constexpr auto kJoinPeriod = std::chrono::seconds(1);
constexpr auto kLearnerPeriod = std::chrono::seconds(15);

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> out;
  for (const auto& one : object.value(key, Json::array())) {
    out.push_back(one.get<std::string>());
  }
  return out;
}

Member member_of(const proto::Message& message) {
  Member out;
  out.id = std::to_string(message.number(1));
  out.name = message.text(2);
  for (const auto url : message.all(3)) {
    out.peer_urls.emplace_back(url);
  }
  for (const auto url : message.all(4)) {
    out.client_urls.emplace_back(url);
  }
  out.learner = message.number(5) != 0;
  return out;
}

std::string call(const char* method) {
  return std::string("/etcdserverpb.Cluster/") + method;
}

// Through the first client address that answers; learners take no such calls.
Result<std::vector<Member>> list_members(const std::vector<Member>& known,
                                         const Node& node,
                                         std::string& through) {
  Result<std::string> answer = fail(ErrorCode::unreachable, "no member has a client address");
  for (const auto& member : known) {
    for (const auto& url : member.client_urls) {
      if (member.learner || machine::host_of(url) == node.config.node_ip) {
        continue;
      }
      HttpClient client = HttpClient::http2(url, node.etcd_identity());
      answer = grpc_call(client, call("MemberList"), "", kJoinPatience);
      if (answer) {
        through = url;
        TRY_ASSIGN(const auto list, proto::Message::parse(*answer), "members");
        std::vector<Member> out;
        for (const auto one : list.all(2)) {
          TRY_ASSIGN(const auto message, proto::Message::parse(one), "member");
          out.push_back(member_of(message));
        }
        return out;
      }
    }
  }
  return fail(answer.error());
}

enum class Step { joined, again };

Result<Step> try_to_join(const Node& node, const std::string& own, std::string& cluster) {
  const std::string peer_url = fmt::format("https://{}:2380", node.config.node_ip);
  const auto known = members_of_server(node);
  if (!known) {
    logrus::info("Waiting to retrieve etcd cluster member list: {}", known.error().message());
    return Step::again;
  }
  std::string through;
  auto members = list_members(*known, node, through);
  if (!members) {
    logrus::error(
        "Failed to get member list from etcd cluster. Will assume this member is already added");
    members = *known;
    members->push_back({"", own, {peer_url}, {}, false});
  }
  TRY_ASSIGN(Joining joining,
             joining_among(std::move(*members), own, node.config.node_name, peer_url),
             "members");
  if (joining.add) {
    logrus::info(
        "Adding member {}={} to etcd cluster [{}]", own, peer_url, fmt::join(joining.cluster, " "));
    HttpClient client = HttpClient::http2(through, node.etcd_identity());
    const proto::Writer request = proto::Writer().text(1, peer_url).number(2, 1);
    if (const auto added = grpc_call(client, call("MemberAdd"), request.bytes(), kJoinPatience);
        !added) {
      const std::string& why = added.error().message();
      if (why.find("too many learner members") != std::string::npos ||
          why.find("unhealthy cluster") != std::string::npos) {
        logrus::info("Waiting for other members to finish joining etcd cluster: {}",
                     why.substr(why.rfind("etcdserver")));
        return Step::again;
      }
      return fail(added.error());
    }
    joining.cluster.push_back(own + "=" + peer_url);
  }
  logrus::info("Starting etcd to join cluster with members [{}]", fmt::join(joining.cluster, " "));
  cluster = fmt::format("{}", fmt::join(joining.cluster, ","));
  return Step::joined;
}

}  // namespace

std::vector<Member> members_in(const Json& answer) {
  std::vector<Member> out;
  for (const auto& one : answer.value("members", Json::array())) {
    Member member;
    const auto id = one.find("ID");
    member.id = id == one.end() ? "" : id->is_string() ? id->get<std::string>() : id->dump();
    member.name = json_string(one, "name");
    member.peer_urls = texts(one, "peerURLs");
    member.client_urls = texts(one, "clientURLs");
    member.learner = json_bool(one, "isLearner");
    out.push_back(std::move(member));
  }
  return out;
}

Result<Joining> joining_among(std::vector<Member> members,
                              const std::string& own,
                              const std::string& node_name,
                              const std::string& peer_url) {
  Joining out;
  for (auto& member : members) {
    const auto& urls = member.peer_urls;
    const bool at_our_address = std::any_of(urls.begin(), urls.end(), [&](const auto& url) {
      return machine::host_of(url) == machine::host_of(peer_url);
    });
    if (member.name.empty() && at_our_address) {
      member.name = own;
    }
    if (member.name == own && at_our_address) {
      out.add = false;
    }
    if (!urls.empty()) {
      out.cluster.push_back(member.name + "=" + urls.front());
    }
    const auto hyphen = member.name.rfind('-');
    const auto end = hyphen > 1 ? hyphen : std::string::npos;
    if (member.name != own && member.name.substr(0, end) == node_name) {
      return fail(ErrorCode::invalid_input,
                  "duplicate node name found, please use a unique name for this node");
    }
  }
  return out;
}

Result<std::string> join_etcd(const Node& node, const std::string& own) {
  for (;;) {
    std::string cluster;
    TRY_ASSIGN(const Step step, try_to_join(node, own, cluster), "join");
    if (step == Step::joined) {
      return cluster;
    }
    paced(kJoinPeriod, {});
  }
}

void manage_learners(const AskEtcd& ask) {
  for (Ticker ticker(kLearnerPeriod);;) {
    ticker.wait();
    const auto status = ask("/v3/maintenance/status", Json::object());
    if (!status) {
      logrus::error("Failed to check local etcd status for learner management: {}",
                    status.error().message());
      continue;
    }
    const std::string self = json_string(status->value("header", Json::object()), "member_id");
    if (self.empty() || json_string(*status, "leader") != self) {
      continue;
    }
    const auto list = ask("/v3/cluster/member/list", Json::object());
    const auto members = list ? members_in(*list) : std::vector<Member>{};
    const auto learner =
        std::find_if(members.begin(), members.end(), [](const Member& one) { return one.learner; });
    if (learner != members.end() && ask("/v3/cluster/member/promote", {{"ID", learner->id}})) {
      logrus::info("Promoted learner {}", learner->name);
    }
  }
}

}  // namespace harness::standin
