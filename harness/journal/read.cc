#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "harness/journal/forms.h"

namespace harness::journal {
namespace {

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_rke2(std::string_view unit) {
  return unit == kServer || unit == kAgent;
}

struct Magic {
  std::string_view bytes;
  std::string_view tool;
};

constexpr std::array<Magic, 4> kPacked = {{{"\x1f\x8b", "gunzip"},
                                           {"\x28\xb5\x2f\xfd", "unzstd"},
                                           {"\xfd"
                                            "7zXZ",
                                            "unxz"},
                                           {"PK\x03\x04", "unzip"}}};

Result<Form> form_of(std::string_view head, const std::string& path) {
  for (const Magic& packed : kPacked) {
    if (head.starts_with(packed.bytes)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{} is compressed: unpack it with {} first", path, packed.tool));
    }
  }
  if (head.starts_with("LPKSHHRH")) {
    return Form::file;
  }
  if (head.starts_with("__CURSOR=") || head.starts_with("__REALTIME_TIMESTAMP=")) {
    return Form::exported;
  }
  if (head.starts_with('{')) {
    return Form::json;
  }
  if (head.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is no journal: neither a journal file, nor what `journalctl -o "
                            "json`, `-o export` or `-o short...` prints",
                            path));
  }
  return Form::text;
}

tl::unexpected<Error> unreadable(const std::string& path, int problem) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} cannot be read: {}; name {}",
                          path,
                          std::generic_category().message(problem),
                          problem == EISDIR ? "one of the journal files in it"
                                            : "a journal file, or what `journalctl -o json --all`, "
                                              "`-o export` or `-o short...` printed"));
}

}  // namespace

std::string_view to_string(Form form) {
  switch (form) {
    case Form::file:
      return "journal file";
    case Form::json:
      return "json";
    case Form::exported:
      return "export";
    case Form::text:
      return "text";
  }
  return "text";
}

void Fields::set(std::string_view name, std::string_view value) {
  if (name == "MESSAGE") {
    entry_.message = value;
  } else if (name == "SYSLOG_IDENTIFIER") {
    entry_.ident = value;
  } else if (name == "_HOSTNAME") {
    entry_.host = value;
  } else if (name == "_PID") {
    entry_.pid = number(value);
  } else if (name == "__REALTIME_TIMESTAMP") {
    entry_.wall_us = number(value);
  } else if (name == "__MONOTONIC_TIMESTAMP") {
    entry_.mono_us = number(value);
  } else if (name == "_BOOT_ID") {
    entry_.boot_id = value;
  } else if (name == "_SYSTEMD_UNIT") {
    own_unit_ = value;
  } else if (name == "_SYSTEMD_INVOCATION_ID") {
    own_invocation_ = value;
  } else if (name == "UNIT") {
    about_unit_ = value;
  } else if (name == "INVOCATION_ID") {
    about_invocation_ = value;
  }
}

void Fields::set_times(std::int64_t wall_us, std::int64_t mono_us, std::string boot_id) {
  entry_.wall_us = wall_us;
  entry_.mono_us = mono_us;
  entry_.boot_id = std::move(boot_id);
}

std::optional<Entry> Fields::take() {
  Fields done;
  std::swap(done, *this);
  const bool own = is_rke2(done.own_unit_);
  if (!own && !(done.entry_.pid == 1 && is_rke2(done.about_unit_))) {
    return std::nullopt;
  }
  done.entry_.unit = own ? done.own_unit_ : done.about_unit_;
  done.entry_.invocation = own ? done.own_invocation_ : done.about_invocation_;
  if (!own) {
    done.entry_.ident = "systemd";
  }
  return std::move(done.entry_);
}

void hand_over(const Entry& entry, ReadReport& report, const Take& take) {
  ++report.entries;
  report.without_text += entry.without_text ? 1 : 0;
  take(entry);
}

void lose(std::uint64_t place, ReadReport& report, const Lost& lost) {
  report.first_unreadable = report.unreadable == 0 ? place : report.first_unreadable;
  ++report.unreadable;
  if (lost) {
    lost();
  }
}

std::string missing(const ReadReport& report) {
  if (report.unreadable == 0 || report.form == Form::text) {
    return "";
  }
  const bool file = report.form == Form::file;
  const std::string_view one = file ? "entry" : report.form == Form::json ? "line" : "record";
  return fmt::format(
      "{} {} could not be read, the first is {} {}{}, and markers may have been there: {}",
      report.unreadable,
      report.unreadable == 1 ? std::string(one)
      : file                 ? "entries"
                             : fmt::format("{}s", one),
      one,
      report.first_unreadable,
      report.cut ? ", nothing after the last was reached" : "",
      file
          ? "the file is damaged (`journalctl --verify --file` says where); check a copy of it, or "
            "a journal of a later start"
          : fmt::format("write it anew with `journalctl -o {}`, whole",
                        report.form == Form::json ? "json --all" : "export"));
}

Result<ReadReport> read(const std::string& path,
                        const std::function<void(const Entry&)>& take,
                        const std::function<void()>& lost) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::array<char, 64> head{};
  in.read(head.data(), head.size());
  if (in.bad() || !in.is_open()) {
    return unreadable(path, errno);
  }
  const auto size = static_cast<std::size_t>(in.gcount());
  if (size == 0) {
    return fail(ErrorCode::invalid_input, fmt::format("{} is empty", path));
  }
  std::error_code problem;
  ReadReport report{.bytes = std::filesystem::file_size(path, problem)};
  TRY_ASSIGN(report.form, form_of({head.data(), size}, path), "journal");
  in.clear();
  in.seekg(0);
  switch (report.form) {
    case Form::file:
      TRY(read_file(path, report, take, lost), path);
      break;
    case Form::json:
      TRY(read_json(in, report, take, lost), path);
      break;
    case Form::exported:
      TRY(read_export(in, report, take, lost), path);
      break;
    case Form::text:
      TRY(read_text(in, report, take), path);
      break;
  }
  return report;
}

}  // namespace harness::journal
