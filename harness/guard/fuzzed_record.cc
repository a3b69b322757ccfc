#include "harness/guard/fuzzed.h"
#include "harness/guard/protocol.h"

namespace harness::guard {

std::string fuzzed_record(std::string_view input) {
  const auto json = parse_json(input);
  if (!json) {
    return {};
  }
  const auto record = arm_record_from_json(*json);
  if (!record) {
    return record.error().message().empty() ? "a record is refused without a reason" : "";
  }
  const Json written = to_json(*record);
  const auto again = arm_record_from_json(written);
  if (!again) {
    return "a record that was taken is not taken as it was written: " + again.error().message();
  }
  return to_json(*again) == written ? "" : "a record is written differently when it is read again";
}

}  // namespace harness::guard
