#include "harness/cluster/cluster.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "harness/cluster/first_answer.h"
#include "harness/cluster/ssh_node.h"
#include "harness/cluster/targets.h"
#include "harness/guard/embedded.h"

namespace harness::cluster {
namespace {

Result<std::unique_ptr<SshNode>> connect_node(const inventory::Inventory& inventory,
                                              const inventory::Node& node,
                                              std::function<Status(Deadline)> before_replacing,
                                              Deadline deadline) {
  TRY_ASSIGN(auto target, target_of(node), "");
  return SshNode::connect({.cluster = inventory.cluster,
                           .server = node.server,
                           .data_dir = inventory.data_dir,
                           .become_sudo = node.ssh.become_sudo,
                           .target = std::move(target),
                           .guard = {.bytes = guard::binary(), .sha256 = guard::sha256()},
                           .before_replacing = std::move(before_replacing)},
                          deadline);
}

// The lease is on the first server alone, and holds the guards of all nodes.
FirstAnswer::Ask lease_of(const Result<std::unique_ptr<SshNode>>& first) {
  if (first) {
    return [node = first->get()](Deadline deadline) { return node->check_lease(deadline); };
  }
  if (first.error().code() != ErrorCode::refused) {
    return {};
  }
  return [error = first.error()](Deadline) -> Status { return fail(error); };
}

}  // namespace

Cluster::Cluster(std::string name, std::vector<std::unique_ptr<Node>> nodes)
    : name_(std::move(name)), nodes_(std::move(nodes)) {}

Result<std::unique_ptr<Cluster>> Cluster::connect(const inventory::Inventory& inventory,
                                                  Deadline deadline) {
  std::vector<Unreachable> missing;
  TRY_ASSIGN(auto cluster, connect_reachable(inventory, deadline, missing), "");
  if (missing.empty()) {
    return cluster;
  }
  std::string problems;
  for (const Unreachable& node : missing) {
    problems += fmt::format("{}{}", problems.empty() ? "" : "\n", node.error.message());
  }
  return fail(missing.front().error.code(), problems);
}

Result<std::unique_ptr<Cluster>> Cluster::connect_reachable(const inventory::Inventory& inventory,
                                                            Deadline deadline,
                                                            std::vector<Unreachable>& unreachable) {
  const std::size_t count = inventory.nodes.size();
  std::vector<std::optional<Result<std::unique_ptr<SshNode>>>> results(count);
  const auto first = std::ranges::find(inventory.nodes, true, &inventory::Node::server);
  {
    const auto lease = std::make_shared<FirstAnswer>();
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        const inventory::Node& node = inventory.nodes[i];
        const bool is_first = first != inventory.nodes.end() && &node == &*first;
        const auto others = [lease](Deadline limit) { return lease->ask(limit); };
        results[i] = connect_node(
            inventory, node, is_first ? std::function<Status(Deadline)>() : others, deadline);
        if (is_first) {
          lease->say(lease_of(*results[i]));
        }
      });
    }
  }
  unreachable.clear();
  std::vector<std::unique_ptr<Node>> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    auto& result = *results[i];
    if (result) {
      nodes.push_back(std::move(*result));
    } else {
      unreachable.push_back({inventory.nodes[i].name, std::move(result).error()});
    }
  }
  return std::make_unique<Cluster>(inventory.cluster, std::move(nodes));
}

std::vector<Node*> Cluster::nodes() const {
  std::vector<Node*> all;
  for (const auto& node : nodes_) {
    all.push_back(node.get());
  }
  return all;
}

std::vector<Node*> Cluster::servers() const {
  std::vector<Node*> all = nodes();
  std::erase_if(all, [](const Node* node) { return !node->is_server(); });
  return all;
}

Result<Node*> Cluster::node(std::string_view name) const {
  std::string names;
  for (const auto& node : nodes_) {
    if (node->name() == name) {
      return node.get();
    }
    names += (names.empty() ? "" : ", ") + node->name();
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("cluster {} has no node '{}'; it has: {}", name_, name, names));
}

Result<Node*> Cluster::first_server() const {
  const auto all = servers();
  if (all.empty()) {
    return fail(ErrorCode::invalid_input, fmt::format("cluster {} has no server", name_));
  }
  return all.front();
}

}  // namespace harness::cluster
