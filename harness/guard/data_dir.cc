#include "harness/guard/data_dir.h"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <sys/stat.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr unsigned kOthersWrite = 002;

std::string resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                         std::free);
  return real ? std::string(real.get()) : std::string();
}

// What is wrong with it; empty: nothing.
std::string flaw_of(const std::string& path) {
  struct stat info {};

  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return "is no directory";
  }
  if (info.st_uid != 0) {
    return "does not belong to root";
  }
  return (info.st_mode & kOthersWrite) != 0 ? "can be written to by everybody" : "";
}

}  // namespace

Status check_data_dir(const std::string& path) {
  if (!there(path)) {
    return {};
  }
  const auto refuse = [&](const std::string& what, const std::string& why) {
    return fail(ErrorCode::refused,
                fmt::format("data_dir {} is not RKE2's: {} {}; `data_dir` of the inventory must be "
                            "what RKE2 was given as data-dir",
                            path,
                            what,
                            why));
  };
  if (const std::string flaw = flaw_of(path); !flaw.empty()) {
    return refuse("it", flaw);
  }
  const std::string real = resolved(path);
  bool marked = false;
  for (const char* part : {"/server", "/agent"}) {
    const std::string mark = path + part;
    if (!there(mark)) {
      continue;
    }
    if (const std::string flaw = flaw_of(mark); !flaw.empty()) {
      return refuse(mark, flaw);
    }
    if (resolved(mark) != real + part) {
      return refuse(mark, "leads out of it");
    }
    marked = true;
  }
  return marked ? Status() : refuse("it", "has neither server/ nor agent/ beneath it");
}

std::string manifests_in(const std::string& data_dir) {
  return data_dir + "/agent/pod-manifests";
}

}  // namespace harness::guard
