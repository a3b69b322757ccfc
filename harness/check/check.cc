#include "harness/check/check.h"

namespace harness::check {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::unproven:
      return "unproven";
    case Verdict::error:
      return "error";
    case Verdict::skip:
      return "skip";
  }
  return "?";
}

const std::vector<Check>& all_checks() {
  static const std::vector<Check> kChecks = {apiserver_recovers(),
                                             etcd_recovers(),
                                             static_pods_match(),
                                             nodes_ready(),
                                             build_exact(),
                                             restarts_explained(),
                                             journal_clean(),
                                             order_kept(),
                                             outage_in_budget(),
                                             healed()};
  return kChecks;
}

Finding pass(std::string reason) {
  return {Verdict::pass, std::move(reason), std::nullopt};
}

Finding failed(std::string reason) {
  return {Verdict::fail, std::move(reason), std::nullopt};
}

Finding unproven(std::string reason) {
  return {Verdict::unproven, std::move(reason), std::nullopt};
}

}  // namespace harness::check
