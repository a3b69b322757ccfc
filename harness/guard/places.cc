#include "harness/guard/places.h"

#include <fmt/format.h>

namespace harness::guard {

Places Places::below(const std::string& root) {
  Places places;
  for (std::string* path : {&places.state, &places.run, &places.allow, &places.units}) {
    path->insert(0, root);
  }
  return places;
}

std::string allowed_cluster(const std::string& file) {
  std::string text = read_whole(file, 4096).value_or("");
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

Status check_allowed(const std::string& cluster, const std::string& file) {
  TRY(check_cluster(cluster), "record");
  const std::string marker = allowed_cluster(file);
  if (marker == cluster) {
    return {};
  }
  return fail(
      ErrorCode::refused,
      marker.empty()
          ? fmt::format(
                "this node carries no {}; `hookshot allow` marks it as expendable for cluster '{}'",
                file,
                cluster)
          : fmt::format("this node is marked for cluster '{}', not for '{}'", marker, cluster));
}

}  // namespace harness::guard
