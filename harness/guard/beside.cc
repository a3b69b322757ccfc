#include "harness/guard/beside.h"

#include <algorithm>

namespace harness::guard {
namespace {

bool stretches(const ArmRecord& one) {
  return one.action.kind == Action::Kind::slow;
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
  if (reboots(other) && reboots(record)) {
    return "a node is rebooted by one fault at a time";
  }
  if ((reboots(other) && stretches(record)) || (stretches(other) && reboots(record))) {
    return "a reboot would end the stretch";
  }
  return {};
}

}  // namespace harness::guard
