// The nodes of one cluster, connected. Order is the inventory's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/cluster/node.h"

namespace harness::inventory {
struct Inventory;
}

namespace harness::cluster {

// A node that did not answer, and why; the error begins with its name.
struct Unreachable {
  std::string node;
  Error error;
};

class Cluster {
 public:
  // Connects all nodes at once and sees to it that each has the guard. The error names every node
  // that failed; its code is the first one's.
  static Result<std::unique_ptr<Cluster>> connect(const inventory::Inventory& inventory,
                                                  Deadline deadline);
  // The nodes that answered, possibly none; the others are listed in `unreachable`, in inventory
  // order. All are asked at once, so a dead node does not use up the others' time.
  static Result<std::unique_ptr<Cluster>> connect_reachable(const inventory::Inventory& inventory,
                                                            Deadline deadline,
                                                            std::vector<Unreachable>& unreachable);
  // For tests, with FakeNode.
  Cluster(std::string name, std::vector<std::unique_ptr<Node>> nodes);

  const std::string& name() const { return name_; }

  std::vector<Node*> nodes() const;
  std::vector<Node*> servers() const;
  // invalid_input with the names that there are.
  Result<Node*> node(std::string_view name) const;
  // The node that carries the lease.
  Result<Node*> first_server() const;

 private:
  std::string name_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace harness::cluster
