#include "harness/guard/action_manifest.h"

#include <cctype>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/guard/action_clock.h"
#include "harness/guard/data_dir.h"
#include "harness/guard/swapped_file.h"

namespace harness::guard {
namespace {

constexpr const char* kBroken = "# hookshot: this manifest is broken on purpose\n{\n";

// rke2 takes this one away in each start, and writes it when etcd is ready; any other it writes
// over.
constexpr std::string_view kTakenByEachStart = "/kube-apiserver.yaml";

// What was moved, by the main process that there is now.
bool was_written_by_this_start(const Json& held, const Means& means) {
  struct stat info {};

  const auto main = main_process(means, json_string(held, "unit"));
  if (!main || lstat(json_string(held, "aside", means.before).c_str(), &info) != 0) {
    return false;
  }
  const Clocks clocks = Clocks::of_this_node();
  const std::int64_t written_us = info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000;
  const std::int64_t begun_us = main->start_ticks * (1'000'000 / sysconf(_SC_CLK_TCK));
  return clocks.wall_us() - written_us < clocks.boot_us() - begun_us;
}

// rke2 has not come to rest, and writes what was moved itself: all of it where it began anew since,
// else what this start takes away.
bool is_still_to_write(const Json& held, const Means& means) {
  const std::string unit = json_string(held, "unit");
  const auto state = unit_property(means, unit, "ActiveState");
  const auto invocation = unit_property(means, unit, "InvocationID");
  const bool begins = state && (*state == "activating" || *state == "reloading");
  if (!begins || !invocation) {
    return false;
  }
  return *invocation != json_string(held, "invocation") ||
         (json_string(held, "path").ends_with(kTakenByEachStart) &&
          !was_written_by_this_start(held, means));
}

}  // namespace

std::string with_other_uid(const std::string& manifest) {
  const std::size_t line = manifest.find("\n  uid: ");
  if (line == std::string::npos) {
    return {};
  }
  const std::size_t last = manifest.find('\n', line + 1);
  std::size_t digit = (last == std::string::npos ? manifest.size() : last) - 1;
  while (digit > line + 8 && std::isxdigit(static_cast<unsigned char>(manifest[digit])) == 0) {
    --digit;
  }
  std::string out = manifest;
  out[digit] = out[digit] == '0' ? '1' : '0';
  return out == manifest || digit <= line + 8 ? std::string() : out;
}

Result<Deed> take_manifest(const ArmRecord& record, const Means& means) {
  const std::string& how = record.action.how;
  const std::string path =
      fmt::format("{}/{}.yaml", manifests_in(record.data_dir), record.action.pod);
  TRY_ASSIGN(const std::string before, read_whole(path, kSwapLimit), "manifest");
  std::optional<std::string> fresh;
  if (how != "move") {
    fresh = how == "uid" ? with_other_uid(before) : std::string(kBroken);
  }
  if (fresh && fresh->empty()) {
    return fail(ErrorCode::not_supported, path + " has no UID of its own to change");
  }
  const Json more = {
      {"kind", "manifest"},
      {"unit", record.unit},
      {"invocation", unit_property(means, record.unit, "InvocationID").value_or("")}};
  TRY_ASSIGN(Deed deed, swap_file(path, before, fresh, more, means), how);
  deed.evidence = {{"how", how},
                   {"path", path},
                   {"bytes_before", before.size()},
                   {"summary",
                    fresh ? fmt::format("{} is rewritten ({}), read back", path, how)
                          : fmt::format("{} ({} bytes) is away, read back", path, before.size())}};
  return deed;
}

Result<std::string> release_manifest(const Json& held,
                                     const Means& means,
                                     std::chrono::milliseconds limit) {
  return release_swapped(
      held, means, [&] { return is_still_to_write(held, means); }, limit);
}

}  // namespace harness::guard
