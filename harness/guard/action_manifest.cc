#include "harness/guard/action_manifest.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace harness::guard {
namespace {

constexpr const char* kLabel = "security.selinux";
constexpr std::size_t kLimit = 1U << 20U;
constexpr const char* kBroken = "# hookshot: this manifest is broken on purpose\n{\n";

std::string label_of(const std::string& path) {
  char label[512];
  const ssize_t size = getxattr(path.c_str(), kLabel, label, sizeof label);
  return size > 0 ? std::string(label, static_cast<std::size_t>(size)) : std::string();
}

// Under a name that kubelet does not read, as it must be in the end.
Status write_beside(const std::string& hidden, const std::string& content, const Json& held) {
  TRY(write_durable(hidden, content, static_cast<int>(json_int(held, "mode"))), "put back");
  const std::string label = json_string(held, "label");
  if (chown(hidden.c_str(),
            static_cast<uid_t>(json_int(held, "uid")),
            static_cast<gid_t>(json_int(held, "gid"))) != 0 ||
      (!label.empty() && setxattr(hidden.c_str(), kLabel, label.data(), label.size(), 0) != 0)) {
    const std::string why = std::strerror(errno);
    unlink(hidden.c_str());
    return fail(ErrorCode::remote_failed, fmt::format("owner and label of {}: {}", hidden, why));
  }
  return {};
}

std::string hidden_name(const std::string& path) {
  const std::size_t slash = path.rfind('/') + 1;
  return path.substr(0, slash) + ".hookshot-" + path.substr(slash);
}

enum class Placed { ours, taken };

// Into an empty place only: who was faster has it.
Result<Placed> place(const std::string& path, const std::string& content, const Json& held) {
  const std::string hidden = hidden_name(path);
  TRY(write_beside(hidden, content, held), "manifest");
  const int done = renameat2(AT_FDCWD, hidden.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  const int why = errno;
  if (done != 0) {
    unlink(hidden.c_str());
  }
  sync_directory(parent_directory(path));
  if (done != 0 && why != EEXIST) {
    return fail(ErrorCode::remote_failed,
                fmt::format("rename to {}: {}", path, std::strerror(why)));
  }
  return done == 0 ? Placed::ours : Placed::taken;
}

Status replace(const std::string& path, const std::string& content, const Json& held) {
  const std::string hidden = hidden_name(path);
  TRY(write_beside(hidden, content, held), "manifest");
  if (std::rename(hidden.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    unlink(hidden.c_str());
    return fail(ErrorCode::remote_failed, fmt::format("rename to {}: {}", path, why));
  }
  sync_directory(parent_directory(path));
  return {};
}

Result<std::string> forget(const std::string& before, std::string said) {
  if (unlink(before.c_str()) != 0 && errno != ENOENT) {
    return fail(
        ErrorCode::remote_failed,
        fmt::format("{}, but {} cannot be removed: {}", said, before, std::strerror(errno)));
  }
  sync_directory(parent_directory(before));
  return said;
}

// rke2 began anew since the harm, and writes its manifests itself.
bool began_anew(const Json& held, const Means& means) {
  const std::string unit = json_string(held, "unit");
  const auto state = unit_property(means, unit, "ActiveState");
  const auto invocation = unit_property(means, unit, "InvocationID");
  const bool runs =
      state && (*state == "active" || *state == "activating" || *state == "reloading");
  return runs && invocation && *invocation != json_string(held, "invocation");
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
  const Action& action = record.action;
  const std::string path =
      fmt::format("{}/agent/pod-manifests/{}.yaml", record.data_dir, action.pod);
  TRY_ASSIGN(const std::string content, read_whole(path, kLimit), "manifest");

  struct stat info {};

  if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::remote_failed, path + " is no regular file; it is left alone");
  }
  const std::string fresh = action.how == "uid"     ? with_other_uid(content)
                            : action.how == "break" ? std::string(kBroken)
                                                    : std::string();
  if (action.how == "uid" && fresh.empty()) {
    return fail(ErrorCode::not_supported, path + " has no UID of its own to change");
  }
  TRY(write_durable(means.before, content), "keep the manifest");
  const Json held = {{"kind", "manifest"},
                     {"boot_id", boot_id()},
                     {"path", path},
                     {"unit", record.unit},
                     {"invocation", unit_property(means, record.unit, "InvocationID").value_or("")},
                     {"mode", info.st_mode & 07777U},
                     {"uid", info.st_uid},
                     {"gid", info.st_gid},
                     {"label", label_of(path)},
                     {"ours", fresh}};
  TRY(means.note(held), "keep the manifest");
  Deed deed{.begun = now(), .effect = {}, .evidence = {}};
  if (action.how == "move") {
    if (unlink(path.c_str()) != 0) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("take {} away: {}", path, std::strerror(errno)));
    }
    sync_directory(parent_directory(path));
  } else {
    TRY(replace(path, fresh, held), action.how);
  }
  deed.effect = now();
  const auto after = read_whole(path, kLimit);
  const bool seen = action.how == "move" ? !there(path) : after && *after == fresh;
  if (!seen) {
    return fail(ErrorCode::remote_failed,
                fmt::format("{} was changed, but somebody wrote it again at once", path));
  }
  deed.evidence = {
      {"how", action.how},
      {"path", path},
      {"bytes_before", content.size()},
      {"summary",
       action.how == "move" ? fmt::format("{} ({} bytes) is away, read back", path, content.size())
                            : fmt::format("{} is rewritten ({}), read back", path, action.how)}};
  return deed;
}

Result<std::string> release_manifest(const Json& held, const Means& means) {
  const std::string path = json_string(held, "path");
  const std::string ours = json_string(held, "ours");
  TRY(check_path("path", path), "manifest");
  if (!there(means.before)) {
    return there(path) ? Result<std::string>(path + " was put back before")
                       : fail(ErrorCode::remote_failed,
                              fmt::format("{} is away, and so is its copy {}; restart {} on the "
                                          "node, which writes it",
                                          path,
                                          means.before,
                                          json_string(held, "unit")));
  }
  TRY_ASSIGN(const std::string before, read_whole(means.before, kLimit), "manifest");
  const auto found = there(path) ? read_whole(path, kLimit) : Result<std::string>(std::string());
  TRY_ASSIGN(const std::string current, found, "manifest");
  const bool away = !there(path);
  if (!away && current == before) {
    return forget(means.before, path + " is as it was");
  }
  if (!away && (ours.empty() || current != ours)) {
    return forget(means.before, path + " was written anew by somebody else: left as it is");
  }
  if (away && began_anew(held, means)) {
    return forget(means.before,
                  fmt::format("{} is left to {}, which began anew and writes it itself",
                              path,
                              json_string(held, "unit")));
  }
  if (away) {
    TRY_ASSIGN(const Placed placed, place(path, before, held), "put back");
    if (placed == Placed::taken) {
      return forget(means.before, path + " was written anew by somebody else: left as it is");
    }
  } else {
    TRY(replace(path, before, held), "put back");
  }
  TRY_ASSIGN(const std::string after, read_whole(path, kLimit), "read back");
  if (after != before) {
    return forget(means.before, path + " was written anew by somebody else: left as it is");
  }
  return forget(means.before, path + " is back, read back");
}

}  // namespace harness::guard
