// The job that the product's helm-controller makes of each staged chart, and makes anew when a
// release brings another one. It installs nothing: its pod looks at the version of kubectl and
// ends.
#pragma once

#include <string>

#include "harness/base/json.h"
#include "harness/lab/standin/kube.h"
#include "harness/lab/standin/node.h"

namespace harness::standin {

inline constexpr const char* kConfigHash = "helmcharts.helm.cattle.io/configHash";

// `hash` is what a job of an older chart does not have.
Json chart_job(const Node& node, const std::string& chart, const std::string& hash);

// Sees to it that the job of `chart` is that of `hash`. False, and to be asked again, while an
// older one goes or the apiserver does not take it.
bool ensure_chart_job(Kube& kube,
                      const Node& node,
                      const std::string& chart,
                      const std::string& hash);

// Every manifest in server/manifests, each tried again every second until its job is there.
void install_charts(const Node& node);

}  // namespace harness::standin
