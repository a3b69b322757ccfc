#include "harness/base/restart.h"

namespace harness {

bool is_by_reboot(const Json& object) {
  return json_string(object, kRestartKey) == kByReboot;
}

void put_by_reboot(Json& object, bool by_reboot) {
  if (by_reboot) {
    object[kRestartKey] = kByReboot;
  }
}

}  // namespace harness
