// The forms, each its own reader. For read() alone.
#pragma once

#include <istream>
#include <optional>
#include <string_view>

#include "harness/journal/entry.h"

namespace harness::journal {

using Take = std::function<void(const Entry&)>;
using Lost = std::function<void()>;

Status read_json(std::istream& in, ReadReport& report, const Take& take, const Lost& lost);
Status read_export(std::istream& in, ReadReport& report, const Take& take, const Lost& lost);
Status read_text(std::istream& in, ReadReport& report, const Take& take);
Status read_file(const std::string& path, ReadReport& report, const Take& take, const Lost& lost);

inline constexpr std::string_view kServer = "rke2-server.service";
inline constexpr std::string_view kAgent = "rke2-agent.service";

// An entry, field by field, in any order.
class Fields {
 public:
  // `name` as journald spells it.
  void set(std::string_view name, std::string_view value);

  // The message is there and its text is not.
  void set_without_text() { entry_.without_text = true; }

  void set_times(std::int64_t wall_us, std::int64_t mono_us, std::string boot_id);

  // An RKE2 unit's own line, or PID 1's about one; none when it is neither. Ends the entry.
  std::optional<Entry> take();

 private:
  Entry entry_;
  std::string own_unit_;
  std::string own_invocation_;
  std::string about_unit_;  // any process may write this, and the next
  std::string about_invocation_;
};

void hand_over(const Entry& entry, ReadReport& report, const Take& take);
// `place`: as ReadReport has it.
void lose(std::uint64_t place, ReadReport& report, const Lost& lost);

}  // namespace harness::journal
