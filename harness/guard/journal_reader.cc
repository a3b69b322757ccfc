#include "harness/guard/journal_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "harness/guard/system.h"

namespace harness::guard {
namespace {

constexpr std::size_t kShort = 256;
constexpr std::size_t kCacheLimit = 20'000;
constexpr std::size_t kMostProblems = 100;
constexpr std::string_view kUnreadable = kUnreadableField;
constexpr std::string_view kJournald = "systemd-journald.service";
constexpr std::array<std::string_view, 6> kFields = {"_SYSTEMD_UNIT=",
                                                     "UNIT=",
                                                     "_PID=",
                                                     "SYSLOG_IDENTIFIER=",
                                                     "_SYSTEMD_INVOCATION_ID=",
                                                     "INVOCATION_ID="};

}  // namespace

std::optional<JournalPosition> position_from_json(const Json& json) {
  JournalPosition out{.boot_id = json_string(json, "boot_id"),
                      .seqnum_id = json_string(json, "seqnum_id"),
                      .seqnum = static_cast<std::uint64_t>(json_int(json, "seqnum")),
                      .monotonic_us = json_int(json, "mono_us"),
                      .hashes = {}};
  return out.boot_id.empty() ? std::nullopt : std::optional(std::move(out));
}

JournalReader::JournalReader(Options options) : options_(std::move(options)) {
  if (options_.directories.empty()) {
    options_.directories = journal_directories();
  }
  if (options_.boot_id.empty()) {
    options_.boot_id = boot_id();
  }
}

Status JournalReader::start(std::int64_t since_wall_us, std::optional<JournalPosition> after) {
  const std::string path = live_journal(options_.directories, options_.boot_id);
  if (path.empty()) {
    return fail(ErrorCode::not_supported,
                fmt::format("this node has no system journal in {}; journald must run with "
                            "Storage=persistent or volatile",
                            fmt::join(options_.directories, " or ")));
  }
  TRY_ASSIGN(live_, JournalFile::open(path), "journal");
  since_ = since_wall_us;
  last_ = std::move(after);
  if (last_) {
    joins_ = last_->seqnum != 0;
    const auto follows = [from = last_->seqnum](const JournalEntry& entry) {
      return entry.seqnum > from;
    };
    if (joins_ && live_->seqnum_id() == last_->seqnum_id) {
      TRY(live_->seek_first(follows), "journal");
    }
    for (JournalFile& file : archived_journals(options_.directories)) {
      const bool same_row = last_->seqnum != 0 && file.seqnum_id() == last_->seqnum_id;
      const bool late = file.tail_realtime_us() >= since_ ||
                        file.tail_boot_id() == options_.boot_id || file.path().ends_with('~');
      if (same_row ? file.tail_seqnum() > last_->seqnum && file.seek_first(follows).has_value()
                   : late) {
        backlog_.push_back(std::move(file));
      }
    }
    return {};
  }
  TRY_ASSIGN(const auto before,
             live_->seek_first([&](const JournalEntry& entry) {
               return since_ != INT64_MAX && entry.realtime_us >= since_;
             }),
             "journal");
  if (since_ == INT64_MAX) {
    if (before) {
      remember(*live_, *before);
    }
    return {};
  }
  for (JournalFile& file : archived_journals(options_.directories)) {
    if ((file.tail_realtime_us() >= since_ || file.path().ends_with('~')) && file.seek(since_)) {
      backlog_.push_back(std::move(file));
    }
  }
  return {};
}

bool JournalReader::is_new(const JournalFile& file, const JournalEntry& entry) const {
  if (!last_) {
    return true;
  }
  if (last_->seqnum != 0 && file.seqnum_id() == last_->seqnum_id) {
    return entry.seqnum > last_->seqnum;
  }
  // Another row of sequence numbers: journald was flushed to /var, which copies the entries of this
  // boot, or began anew after an unclean end.
  if (entry.boot_id == last_->boot_id) {
    return last_->seqnum == 0
               ? entry.realtime_us >= since_
               : entry.monotonic_us > last_->monotonic_us ||
                     (entry.monotonic_us == last_->monotonic_us &&
                      std::ranges::find(last_->hashes, entry.hash) == last_->hashes.end());
  }
  return entry.boot_id == options_.boot_id || entry.realtime_us >= since_;
}

void JournalReader::remember(const JournalFile& file, const JournalEntry& entry) {
  const bool same_instant =
      last_ && last_->boot_id == entry.boot_id && last_->monotonic_us == entry.monotonic_us;
  JournalPosition position{.boot_id = entry.boot_id,
                           .seqnum_id = file.seqnum_id(),
                           .seqnum = entry.seqnum,
                           .monotonic_us = entry.monotonic_us,
                           .hashes = {}};
  if (same_instant) {
    position.hashes = std::move(last_->hashes);
  }
  position.hashes.push_back(entry.hash);
  last_ = std::move(position);
}

Result<std::string> JournalReader::field(JournalFile& file, std::uint64_t offset) {
  const auto known = cache_.find(offset);
  if (known != cache_.end()) {
    return known->second;
  }
  if (cache_.size() > kCacheLimit) {
    cache_.clear();
  }
  auto text = file.payload(offset, kShort);
  if (!text && text.error().code() != ErrorCode::not_supported) {
    return text;  // perhaps not whole yet
  }
  if (text) {
    const bool wanted = std::ranges::any_of(
        kFields, [&](std::string_view name) { return text->starts_with(name); });
    if (!wanted) {
      *text = text->starts_with("MESSAGE=") ? "MESSAGE=" : "";
    }
  }
  cache_.emplace(offset, text);
  return text;
}

bool JournalReader::interesting(JournalFile& file,
                                const JournalEntry& entry,
                                Json& fact,
                                const Take& take) {
  std::array<std::string, kFields.size()> values;
  std::uint64_t message = 0;
  std::optional<Error> unreadable;
  for (const std::uint64_t offset : entry.items) {
    const Result<std::string> text = field(file, offset);
    if (!text) {
      unreadable = text.error();
      continue;
    }
    if (*text == "MESSAGE=") {
      message = offset;
      continue;
    }
    for (std::size_t i = 0; i < kFields.size() && !text->empty(); ++i) {
      if (text->starts_with(kFields[i])) {
        values[i] = text->substr(kFields[i].size());
      }
    }
  }
  const auto& [own_unit, about_unit, pid, ident, own_invocation, about_invocation] = values;
  const bool own = own_unit == options_.unit;
  const bool about = pid == "1" && about_unit == options_.unit;
  // A field that is merely not ours to decompress is long, so it names no unit.
  if (unreadable && unreadable->code() != ErrorCode::not_supported) {
    problem(unreadable->message(), take);
  }
  if (own_unit == kJournald && message != 0) {
    tell_suppressed(file, message, take);
  }
  if (!own && !about) {
    return false;
  }
  std::string line;
  if (message != 0) {
    auto text = file.payload(message, options_.line_limit + 8);
    if (!text) {
      unreadable = text.error();
    }
    line = text ? text->substr(std::min<std::size_t>(text->size(), 8)) : std::string(kUnreadable);
  } else if (unreadable) {
    line = kUnreadable;
  }
  if (line == kUnreadable && unreadable) {
    problem(unreadable->message(), take);
  }
  fact = {{"type", "journal"},
          {"unit", options_.unit},
          {"invocation", own ? own_invocation : about_invocation},
          {"ident", own ? ident : "systemd"},
          {"pid", std::atoll(pid.c_str())},
          {"line", std::move(line)},
          {"wall_us", entry.realtime_us},
          {"mono_us", entry.monotonic_us},
          {"boot_id", entry.boot_id},
          {"seqnum", entry.seqnum},
          {"seqnum_id", file.seqnum_id()}};
  return true;
}

// journald's own word, which it writes when the unit was too loud for its rate limit.
void JournalReader::tell_suppressed(JournalFile& file, std::uint64_t message, const Take& take) {
  const std::string text = file.payload(message, kShort).value_or("");
  if (text.starts_with("MESSAGE=Suppressed ") &&
      text.ends_with(" messages from " + options_.unit)) {
    problem(fmt::format("{}: journald's rate limit; raise LogRateLimitBurst= of the unit",
                        text.substr(text.find('=') + 1)),
            take);
  }
}

void JournalReader::drain(JournalFile& file, Growth growth, const Take& take) {
  while (true) {
    auto entry = file.next();
    if (!entry) {
      if (growth == Growth::live && ++stuck_ < options_.patience) {
        return;
      }
      stuck_ = 0;
      problem(entry.error().message(), take);
      if (!file.skip()) {
        return;
      }
      continue;
    }
    stuck_ = 0;
    if (!entry->has_value()) {
      return;
    }
    if (!is_new(file, **entry)) {
      continue;
    }
    if (std::exchange(joins_, false)) {
      tell_gap(file, **entry, take);
    }
    remember(file, **entry);
    Json fact;
    if (interesting(file, **entry, fact, take)) {
      take(std::move(fact));
    }
  }
}

void JournalReader::tell_gap(const JournalFile& file, const JournalEntry& entry, const Take& take) {
  if (!last_ || last_->seqnum_id != file.seqnum_id() || entry.seqnum <= last_->seqnum + 1) {
    return;
  }
  const std::uint64_t from = last_->seqnum + 1;
  const std::uint64_t to = entry.seqnum - 1;
  const std::uint64_t missing = to - from + 1;
  const std::uint64_t others = entries_of_users(options_.directories, file.seqnum_id(), from, to);
  if (others < missing) {
    problem(fmt::format("{} journal entries ({} to {}) before {} were gone before they were read: "
                        "journald rotated or vacuumed them away; give it more room (SystemMaxUse=)",
                        missing - others,
                        from,
                        to,
                        file.path()),
            take);
  }
}

void JournalReader::problem(const std::string& text, const Take& take) {
  if (problems_.size() >= kMostProblems || !problems_.insert(text).second) {
    return;
  }
  const Now stamp = now();
  take({{"type", "journal-problem"},
        {"unit", options_.unit},
        {"line", text},
        {"wall_us", stamp.wall_us},
        {"mono_us", stamp.mono_us},
        {"boot_id", options_.boot_id}});
}

void JournalReader::read_between(const Take& take) {
  if (!last_) {
    return;
  }
  for (JournalFile& file : archived_journals(options_.directories)) {
    if (file.seqnum_id() != last_->seqnum_id || file.tail_seqnum() <= last_->seqnum) {
      continue;
    }
    cache_.clear();
    joins_ = true;
    static_cast<void>(
        file.seek_first([&](const JournalEntry& entry) { return is_new(file, entry); }));
    drain(file, Growth::ended, take);
  }
}

void JournalReader::follow_rotation(const Take& take) {
  const std::string path = live_journal(options_.directories, options_.boot_id);
  if (path.empty() || !live_ || live_->is_at(path)) {
    return;
  }
  auto fresh = JournalFile::open(path);
  if (!fresh) {
    problem(fresh.error().message(), take);
    return;
  }
  drain(*live_, Growth::ended, take);
  read_between(take);
  if (const auto found =
          fresh->seek_first([&](const JournalEntry& entry) { return is_new(*fresh, entry); });
      !found) {
    problem(found.error().message(), take);
    static_cast<void>(fresh->seek_first([](const JournalEntry&) { return true; }));
  }
  cache_.clear();
  joins_ = last_.has_value();
  live_ = *std::move(fresh);
}

void JournalReader::poll(const Take& take) {
  for (JournalFile& file : backlog_) {
    cache_.clear();
    drain(file, Growth::ended, take);
    cache_.clear();
  }
  backlog_.clear();
  if (live_) {
    drain(*live_, Growth::live, take);
  }
  if (++polls_ >= options_.look_for_rotation_every) {
    polls_ = 0;
    follow_rotation(take);
  }
}

}  // namespace harness::guard
