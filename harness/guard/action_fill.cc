#include "harness/guard/action_fill.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/exec/unique_fd.h"

namespace harness::guard {
namespace {

using exec::UniqueFd;

constexpr std::int64_t kMb = 1 << 20;
constexpr std::int64_t kStep = 1 * kMb;
constexpr std::int64_t kProbeMb = 8;

class Filled : public Standing {
 public:
  explicit Filled(UniqueFd file) : file_(std::move(file)) {}

  std::int64_t step(std::int64_t) override { return INT64_MAX; }

 private:
  UniqueFd file_;
};

Result<UniqueFd> nameless(const std::string& folder) {
  UniqueFd file(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return fail(errno == EOPNOTSUPP || errno == EISDIR ? ErrorCode::not_supported
                                                       : ErrorCode::remote_failed,
                fmt::format("a file without a name in {}: {}", folder, std::strerror(errno)));
  }
  return file;
}

std::int64_t free_bytes(const std::string& folder) {
  struct statvfs info {};

  return statvfs(folder.c_str(), &info) == 0
             ? static_cast<std::int64_t>(info.f_bfree) * static_cast<std::int64_t>(info.f_frsize)
             : -1;
}

// Up to `size`, less where others were faster.
Result<std::int64_t> take(const UniqueFd& file, std::int64_t size, const std::string& folder) {
  std::int64_t taken = 0;
  std::int64_t step = size;
  while (taken < size && step >= kStep) {
    step = std::min(step, size - taken);
    if (fallocate(file.get(), 0, taken, step) == 0) {
      taken += step;
    } else if (errno == EOPNOTSUPP) {
      return fail(ErrorCode::not_supported,
                  fmt::format("the filesystem of {} cannot set space aside (fallocate)", folder));
    } else if (errno == ENOSPC || errno == EINTR) {
      step /= 2;
    } else {
      return fail(ErrorCode::remote_failed,
                  fmt::format("fill {}: {}", folder, std::strerror(errno)));
    }
  }
  return taken;
}

// How much a real write gets before there is no space; what it wrote is gone with its file.
Result<std::int64_t> write_until_full(const std::string& folder, std::int64_t most) {
  TRY_ASSIGN(const UniqueFd probe, nameless(folder), "probe");
  const std::vector<char> block(static_cast<std::size_t>(kMb), 'h');
  std::int64_t written = 0;
  while (written < most) {
    const ssize_t put = write(probe.get(), block.data(), block.size());
    if (put > 0) {
      written += put;
    } else if (put < 0 && errno == ENOSPC) {
      return written;
    } else if (put == 0 || errno != EINTR) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("write to {}: {}", folder, std::strerror(errno)));
    }
  }
  return fail(ErrorCode::remote_failed,
              fmt::format("{} MB could still be written to {}", written / kMb, folder));
}

// What others need, too: "is on the root filesystem"; empty: nothing of that kind.
Result<std::string> shared(const std::string& folder, const std::string& proc) {
  struct stat root {};

  struct stat target {};

  if (stat(folder.c_str(), &target) != 0 || stat("/", &root) != 0) {
    return fail(ErrorCode::remote_failed, fmt::format("{}: {}", folder, std::strerror(errno)));
  }
  if (root.st_dev == target.st_dev) {
    return std::string("is on the root filesystem");
  }
  const std::string device = fmt::format("{}:{}", major(target.st_dev), minor(target.st_dev));
  std::istringstream mounts(read_whole(proc + "/self/mountinfo", 4U << 20U).value_or(""));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string of;
    std::string part;
    words >> id >> parent >> of >> part;
    if (of == device && part == "/") {
      return std::string();
    }
  }
  return std::string(
      "is on a filesystem of which only a part is mounted here: somebody else has the rest");
}

Status check_shared(const ArmRecord& record, const std::string& folder, const Means& means) {
  TRY_ASSIGN(const std::string why, shared(folder, means.proc), "fill");
  if (why.empty() || record.action.amounts.at("may_fill_root") != 0) {
    return {};
  }
  return fail(
      ErrorCode::not_supported,
      fmt::format(
          "{} {}; it is filled only with --allow-root-fill on the command line", folder, why));
}

}  // namespace

std::string folder_of(const std::string& what, const std::string& data_dir) {
  return what == "etcd"     ? data_dir + "/server/db"
         : what == "images" ? data_dir + "/agent/containerd"
                            : std::string("/var/log");
}

Status check_fill(const ArmRecord& record, const Means& means) {
  const std::string folder = folder_of(record.action.object, record.data_dir);
  return there(folder) ? check_shared(record, folder, means) : Status();
}

Result<Struck> fill_disk(const ArmRecord& record, const Means& means) {
  const Action& action = record.action;
  const std::string folder = folder_of(action.object, record.data_dir);
  TRY(check_fill(record, means), "");
  TRY_ASSIGN(UniqueFd file, nameless(folder), "fill");

  struct stat info {};

  fstat(file.get(), &info);
  const std::int64_t before = free_bytes(folder);
  const std::int64_t keep = action.amounts.at("keep_free_mb") * kMb;
  if (before <= keep) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} has {} MB free, and {} MB are to be kept free: there is nothing to "
                            "fill",
                            folder,
                            before / kMb,
                            keep / kMb));
  }
  TRY(means.note({{"kind", "filled"},
                  {"boot_id", boot_id()},
                  {"folder", folder},
                  {"device", info.st_dev},
                  {"inode", info.st_ino},
                  {"free_before", before}}),
      "keep what is filled");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  TRY_ASSIGN(const std::int64_t taken, take(file, before - keep, folder), "fill");
  deed.effect = now();
  TRY_ASSIGN(const std::int64_t got,
             write_until_full(folder, keep + kProbeMb * kMb + before / 50),
             "prove it");
  deed.evidence = {{"how", "fill"},
                   {"folder", folder},
                   {"taken_bytes", taken},
                   {"free_before", before},
                   {"written_before_enospc", got},
                   {"summary",
                    fmt::format("{} MB of {} taken; a write of ours ended in ENOSPC after {} MB",
                                taken / kMb,
                                folder,
                                got / kMb)}};
  return Struck{.deed = std::move(deed), .standing = std::make_unique<Filled>(std::move(file))};
}

Result<std::string> release_filled(const Json& held, const Means& means) {
  namespace fs = std::filesystem;
  const auto device = static_cast<dev_t>(json_int(held, "device"));
  const auto inode = static_cast<ino_t>(json_int(held, "inode"));
  if (inode == 0) {
    return fail(ErrorCode::invalid_input,
                "what the record holds of the file that fills a disk is damaged: it has no inode");
  }
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator(means.proc, ignored)) {
    const int pid = std::atoi(process.path().filename().c_str());
    if (pid <= 0 || pid == getpid()) {
      continue;
    }
    for (const auto& item : fs::directory_iterator(process.path() / "fd", ignored)) {
      struct stat info {};

      if (stat(item.path().c_str(), &info) == 0 && info.st_dev == device && info.st_ino == inode &&
          info.st_nlink == 0) {
        return fail(ErrorCode::remote_failed,
                    fmt::format("process {} ({}) still holds the file that fills {}; end it on "
                                "the node",
                                pid,
                                comm_of(pid),
                                json_string(held, "folder")));
      }
    }
  }
  const std::string folder = json_string(held, "folder");
  return fmt::format("nobody holds the file that filled {}: {} MB are free, {} MB were before",
                     folder,
                     free_bytes(folder) / kMb,
                     json_int(held, "free_before") / kMb);
}

}  // namespace harness::guard
