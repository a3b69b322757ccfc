#include "harness/upgrade/space.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "harness/observe/ask.h"

namespace harness::upgrade {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kSpareBytes = 64u << 20;  // for the node's own logs while we install
constexpr std::uintmax_t kUnpackedFactor = 4;      // of the tarball's size; RKE2's is about three

std::vector<std::vector<std::string>> table(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string word;
  for (const char c : text + "\n") {
    if (c != ' ' && c != '\n' && c != '\t') {
      word += c;
      continue;
    }
    if (!word.empty()) {
      rows.back().push_back(std::move(word));
      word.clear();
    }
    if (c == '\n') {
      rows.emplace_back();
    }
  }
  return rows;
}

struct Free {
  std::string mount;
  std::uintmax_t bytes = 0;
};

// Asks for the nearest folder that exists: the data directory may not, yet.
Result<Free> free_space(cluster::Node& node, fs::path path, Deadline deadline) {
  for (;; path = path.parent_path()) {
    TRY_ASSIGN(const exec::CommandResult result,
               node.run(observe::words({"df", "--portability", "--block-size=1024", path.string()}),
                        deadline),
               "ask for free space");
    const auto rows = table(result.out);
    if (result.ok() && rows.size() > 1 && rows[1].size() >= 6) {
      std::uintmax_t kilobytes = 0;
      std::from_chars(rows[1][3].data(), rows[1][3].data() + rows[1][3].size(), kilobytes);
      return Free{.mount = rows[1].back(), .bytes = kilobytes * 1024};
    }
    if (path == path.parent_path()) {
      return fail(ErrorCode::remote_failed, "df: " + observe::trimmed(result.err));
    }
  }
}

struct Room {
  std::uintmax_t wanted = kSpareBytes;
  std::uintmax_t free = 0;
  std::string paths;
};

Error too_little(const cluster::Node& node, const std::string& mount, const Room& room) {
  constexpr std::uintmax_t kMega = 1u << 20;
  return {ErrorCode::not_supported,
          fmt::format("{} has {} MB free under {} ({} bytes), and installing takes {} MB there ({} "
                      "bytes), for {}: free at least {} MB and run this again; nothing was changed",
                      node.name(),
                      room.free / kMega,
                      mount,
                      room.free,
                      (room.wanted + kMega - 1) / kMega,
                      room.wanted,
                      room.paths,
                      (room.wanted - room.free + kMega - 1) / kMega)};
}

}  // namespace

Status check_space(cluster::Node& node,
                   const std::string& stage,
                   const std::vector<Artifact>& missing,
                   const std::vector<Artifact>& all,
                   Deadline deadline) {
  std::map<std::string, std::uintmax_t> wanted;
  std::uintmax_t largest = 0;
  for (const Artifact& one : missing) {
    wanted[stage] += one.size;
    largest = std::max(largest, one.size);
  }
  if (largest > 0) {
    TRY_ASSIGN(const std::string landing, node.landing(deadline), "where copies arrive");
    wanted[landing] += largest;
  }
  for (const Artifact& one : all) {
    if (one.kind == Artifact::Kind::tarball) {
      wanted["/usr/local"] += one.size * kUnpackedFactor;
    } else if (one.kind == Artifact::Kind::images) {
      wanted[node.data_dir() + "/agent/images"] += one.size;
    }
  }
  std::map<std::string, Room> mounts;
  for (const auto& [path, bytes] : wanted) {
    TRY_ASSIGN(const Free free, free_space(node, path, deadline), path);
    Room& room = mounts[free.mount];
    room.wanted += bytes;
    room.free = free.bytes;
    room.paths += (room.paths.empty() ? "" : ", ") + path;
  }
  for (const auto& [mount, room] : mounts) {
    if (room.free < room.wanted) {
      return fail(too_little(node, mount, room));
    }
  }
  return {};
}

}  // namespace harness::upgrade
