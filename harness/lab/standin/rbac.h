// The cluster roles and bindings that the role hook keeps in place, and how it does so.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/lab/standin/kube.h"

namespace harness::standin {

struct RbacObject {
  std::string collection;  // /apis/rbac.authorization.k8s.io/v1/clusterroles
  Json object;

  std::string name() const { return object["metadata"]["name"].get<std::string>(); }

  std::string path() const { return collection + "/" + name(); }
};

std::vector<RbacObject> rbac_objects();

// One attempt: lists first, then creates or updates one by one; failures of single objects are only
// noted, as in Kubernetes' own bootstrap. False when the lists fail.
bool ensure_rbac_once(Kube& kube);
// Attempts every second, the first after a second, for 30 s. Empty, or why not.
std::string ensure_rbac(Kube& kube);
// Sets the subjects of all bindings, which merges of earlier releases let grow.
void trim_subjects(Kube& kube);

}  // namespace harness::standin
