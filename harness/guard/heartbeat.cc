#include "harness/guard/heartbeat.h"

#include <cstdlib>

#include "harness/guard/system.h"

namespace harness::guard {

std::int64_t heartbeat_age_ms(const std::string& run) {
  const auto text = read_whole(run + "/heartbeat", 64);
  return (now().mono_us - (text ? std::atoll(text->c_str()) : 0)) / 1000;
}

Status beat(const std::string& run) {
  TRY(make_dir(run), "heartbeat");
  return write_whole(run + "/heartbeat", std::to_string(now().mono_us), Sync::later);
}

}  // namespace harness::guard
