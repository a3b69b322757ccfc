#include "harness/guard/beside.h"

#include <string_view>
#include <utility>

namespace harness::guard {
namespace {

constexpr std::string_view kApiserver = "kube-apiserver";

// What waits for kube-apiserver waits as long as it is frozen, and is not harmed itself.
bool freezes_apiserver(const ArmRecord& one) {
  return one.action.kind == Action::Kind::freeze && one.action.pod == kApiserver;
}

bool stretches(const ArmRecord& one) {
  return one.action.kind == Action::Kind::slow || one.action.kind == Action::Kind::delay ||
         freezes_apiserver(one);
}

bool lasts(const ArmRecord& one) {
  return one.action.hold.count() > 0 && !stretches(one);
}

bool reboots(const ArmRecord& one) {
  return one.action.kind == Action::Kind::reboot;
}

}  // namespace

std::string stands_in_the_way(const ArmRecord& other, const ArmRecord& record) {
  if (other.run != record.run || other.case_name != record.case_name) {
    return "it belongs to another case";
  }
  if (lasts(other) || lasts(record)) {
    return "a fault that lasts stands alone on a node until it is undone";
  }
  if (stretches(other) && stretches(record)) {
    return "a node is stretched by one fault at a time";
  }
  for (const auto& [frozen, beside] : {std::pair(&other, &record), std::pair(&record, &other)}) {
    if (!freezes_apiserver(*frozen) || reboots(*beside)) {
      continue;
    }
    if (beside->action.kind != Action::Kind::kill) {
      return "beside a frozen kube-apiserver stands a kill of another pod, and nothing else";
    }
    if (beside->action.pod == kApiserver) {
      return "the kill would end the stretch";
    }
  }
  if (reboots(other) && reboots(record)) {
    return "a node is rebooted by one fault at a time";
  }
  if ((reboots(other) && stretches(record)) || (stretches(other) && reboots(record))) {
    return "a reboot would end the stretch";
  }
  return {};
}

}  // namespace harness::guard
