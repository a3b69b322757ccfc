#include "harness/power/ledger.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/base/state_home.h"

namespace harness::power {
namespace fs = std::filesystem;

namespace {

Error problem_of(const std::string& doing) {
  return {ErrorCode::internal, fmt::format("{}: {}", doing, std::strerror(errno))};
}

Status sync_folder(const fs::path& folder) {
  const exec::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0 ? Status() : fail(problem_of("write " + folder.string()));
}

bool is_held(const fs::path& file) {
  const exec::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
}

}  // namespace

Ledger Ledger::of(const std::string& cluster) {
  return Ledger(state_home() / "power" / cluster);
}

Result<exec::UniqueFd> Ledger::note(const Entry& entry) const {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  const fs::path fresh = file_of(entry.node).string() + ".new";
  const std::string text =
      Json{{"node", entry.node}, {"id", entry.id}, {"run", entry.run}, {"noted_us", entry.noted_us}}
          .dump() +
      "\n";
  exec::UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 ||
      ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0 || ::rename(fresh.c_str(), file_of(entry.node).c_str()) != 0) {
    return fail(problem_of("write " + fresh.string()));
  }
  // Of a folder made just now the name has to be on the disk, too.
  TRY(sync_folder(folder_), "power");
  TRY(sync_folder(folder_.parent_path()), "power");
  return fd;
}

Status Ledger::forget(const std::string& node) const {
  if (::unlink(file_of(node).c_str()) != 0 && errno != ENOENT) {
    return fail(problem_of("remove " + file_of(node).string()));
  }
  return {};
}

std::vector<Entry> Ledger::entries() const {
  std::vector<Entry> out;
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(folder_, ignored)) {
    if (item.path().extension() != ".json") {
      continue;
    }
    std::ifstream in(item.path());
    const auto json = parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
    const Json known = json && json->is_object() ? *json : Json::object();
    out.push_back({.node = item.path().stem(),
                   .id = json_string(known, "id"),
                   .run = json_string(known, "run"),
                   .noted_us = json_int(known, "noted_us"),
                   .held = is_held(item.path())});
  }
  std::ranges::sort(out, {}, &Entry::node);
  return out;
}

}  // namespace harness::power
