// The forms, each its own reader. For read() alone.
#pragma once

#include <istream>
#include <string_view>

#include "harness/journal/entry.h"

namespace harness::journal {

using Take = std::function<void(const Entry&)>;

Status read_json(std::istream& in, ReadReport& report, const Take& take);
Status read_export(std::istream& in, ReadReport& report, const Take& take);
Status read_text(std::istream& in, ReadReport& report, const Take& take);
Status read_file(const std::string& path, ReadReport& report, const Take& take);

// What an entry's fields say, one by one; `name` as journald spells it.
void set_field(Entry& entry, std::string_view name, std::string_view value);
// An RKE2 unit's own line, or systemd's about one. Completes `unit` and `ident`.
bool concerns_rke2(Entry& entry);

}  // namespace harness::journal
