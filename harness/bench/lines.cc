#include "harness/bench/lines.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "harness/base/json.h"

namespace harness::bench {
namespace {

std::string_view cut(std::string_view& text, char at) {
  const std::size_t end = std::min(text.find(at), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

template <typename Number>
bool whole(std::string_view text, Number& into) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
  return problem == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string text_of(const Note& note) {
  return fmt::format("{} {} {}\n", note.word, note.trial, note.us);
}

std::optional<Note> note_from(std::string_view line) {
  Note note{.word = std::string(cut(line, ' '))};
  const std::string_view trial = cut(line, ' ');
  return !note.word.empty() && whole(trial, note.trial) && whole(line, note.us)
             ? std::optional(std::move(note))
             : std::nullopt;
}

std::optional<Note> Notes::find(std::string_view word, int trial) {
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
    const std::string line = rest_.substr(0, end);
    rest_.erase(0, end + 1);
    auto note = note_from(line);
    if (note && note->trial == trial && (word.empty() || note->word == word)) {
      return note;
    }
    passed_over_ = line;
  }
  return std::nullopt;
}

Result<Note> read_note(
    int fd, Notes& notes, std::string_view word, int trial, const Deadline& deadline) {
  while (true) {
    if (auto note = notes.find(word, trial)) {
      return *std::move(note);
    }
    pollfd watched{fd, POLLIN, 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(deadline.left().count()));
    if (ready == 0) {
      return fail(ErrorCode::timed_out,
                  fmt::format("nothing said \"{}\" of trial {} in time; the last of another was "
                              "\"{}\"",
                              word,
                              trial,
                              notes.passed_over()));
    }
    char buffer[256];
    const ssize_t got = ready < 0 ? -1 : read(fd, buffer, sizeof buffer);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
      return fail(ErrorCode::remote_failed,
                  fmt::format("wait for \"{}\" of trial {}: {}",
                              word,
                              trial,
                              got == 0 ? "the other side has ended" : std::strerror(errno)));
    }
    notes.feed({buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
  }
}

std::string message_of(std::string_view kind, std::string_view run, int trial) {
  return fmt::format("Hookshot bench {}, trial {} of {}", kind, trial, run);
}

std::optional<JournalStamp> journal_stamp(std::string_view printed, std::string_view message) {
  while (!printed.empty()) {
    const auto entry = parse_json(cut(printed, '\n'));
    if (!entry || json_string(*entry, "MESSAGE").find(message) == std::string::npos) {
      continue;
    }
    JournalStamp stamp;
    if (whole(json_string(*entry, "__MONOTONIC_TIMESTAMP"), stamp.mono_us) &&
        whole(json_string(*entry, "__REALTIME_TIMESTAMP"), stamp.wall_us)) {
      return stamp;
    }
  }
  return std::nullopt;
}

}  // namespace harness::bench
