// Which keys of config.yaml are flags of the product at all, whether or not the stand-in heeds
// them.
#pragma once

#include <string_view>

namespace harness::standin {

bool is_flag(std::string_view key);

}  // namespace harness::standin
