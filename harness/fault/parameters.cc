#include "harness/fault/parameters.h"

#include <cstdlib>

#include "harness/base/time.h"

namespace harness::fault {

ParamSpec choice(std::string_view name,
                 std::string_view fallback,
                 std::vector<std::string_view> choices,
                 std::string_view summary) {
  return {.name = name,
          .type = ParamType::choice,
          .fallback = fallback,
          .choices = std::move(choices),
          .unit = {},
          .summary = summary};
}

ParamSpec integer(std::string_view name,
                  std::string_view fallback,
                  std::string_view unit,
                  std::string_view summary,
                  std::int64_t least,
                  std::int64_t most) {
  return {.name = name,
          .type = ParamType::integer,
          .fallback = fallback,
          .choices = {},
          .unit = unit,
          .summary = summary,
          .least = least,
          .most = most};
}

ParamSpec duration(std::string_view name,
                   std::string_view fallback,
                   std::string_view summary,
                   std::int64_t least_ms,
                   std::int64_t most_ms) {
  return {.name = name,
          .type = ParamType::duration,
          .fallback = fallback,
          .choices = {},
          .unit = {},
          .summary = summary,
          .least = least_ms,
          .most = most_ms};
}

ParamSpec static_pod_parameter() {
  return {.name = "pod",
          .type = ParamType::choice,
          .fallback = {},
          .choices = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"},
          .unit = {},
          .summary = "which static pod"};
}

Needs needs_of_static_pod(const std::string& pod) {
  Needs out;
  out.etcd_voters = pod == "etcd" ? 1 : 0;
  out.servers_down = pod == "etcd" || pod == "kube-apiserver" ? 1 : 0;
  return out;
}

Needs needs_of_node() {
  Needs out;
  out.etcd_voters = 1;
  out.servers_down = 1;
  return out;
}

ParamSpec cut_parameter() {
  return {.name = "how",
          .type = ParamType::choice,
          .fallback = "drop",
          .choices = {"drop", "reset"},
          .unit = {},
          .summary = "lost without a word, or refused at once"};
}

ParamSpec hold_parameter(std::string_view fallback) {
  return {.name = "duration",
          .type = ParamType::duration,
          .fallback = fallback,
          .choices = {},
          .unit = {},
          .summary = "for how long",
          .least = 100,
          .most = 600'000};
}

std::int64_t duration_ms(const Params& params, std::string_view name) {
  return parse_duration(params.find(name)->second).value_or(Microseconds{}).count() / 1000;
}

std::int64_t hold_ms(const Params& params) {
  return duration_ms(params, "duration");
}

std::int64_t number(const Params& params, std::string_view name) {
  return std::atoll(params.find(name)->second.c_str());
}

}  // namespace harness::fault
