// The lines that the parts of the benchmark on a node say to each other, and what the journal is
// searched for. Each bears the number of its trial and the journal's the run's too, so that what an
// earlier one left in a FIFO or a journal is not taken for this one's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/time.h"

namespace harness::bench {

// "WORD TRIAL NUMBER\n". Orders to the logger: probe; go, with the microseconds from the leading
// line to the marker. Answers: waits, probed; wrote, with the stamp of the marker. The shell loop:
// follows, seen; killed, with the wall clock's stamp.
struct Note {
  std::string word;
  int trial = 0;
  std::int64_t us = 0;
};

std::string text_of(const Note& note);
std::optional<Note> note_from(std::string_view line);

// Bytes in, the notes of one trial out.
class Notes {
 public:
  void feed(std::string_view bytes) { rest_ += bytes; }

  // The next note of this trial with this word, or any word if it is empty. Whole lines before it
  // are thrown away; a line without its end waits for it.
  std::optional<Note> find(std::string_view word, int trial);

  // What was thrown away last, for messages.
  const std::string& passed_over() const { return passed_over_; }

 private:
  std::string rest_;
  std::string passed_over_;
};

// Reads until such a note comes. timed_out says what came instead; remote_failed: the other end is
// closed.
Result<Note> read_note(
    int fd, Notes& notes, std::string_view word, int trial, const Deadline& deadline);

// "Hookshot bench marker, trial 12 of bench-1a2b3c4d". Kinds: waits, probe, lead, marker.
std::string message_of(std::string_view kind, std::string_view run, int trial);

struct JournalStamp {
  std::int64_t mono_us = 0;
  std::int64_t wall_us = 0;
};

// When journald took the line that has this message, from what `journalctl -o json` printed.
std::optional<JournalStamp> journal_stamp(std::string_view printed, std::string_view message);

}  // namespace harness::bench
