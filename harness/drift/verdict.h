// What a survey comes to. Silence proves nothing: that the packs are right is said only of a start
// that was seen from its beginning until it was ready.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "harness/drift/survey.h"

namespace harness::drift {

struct Source {
  std::string what;  // "journal.txt (text)", "cp-1"
  std::uint64_t entries = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t without_text = 0;     // entries whose message the form leaves out
  std::uint64_t invocations = 0;      // that came, also those not listed
  Unshown unshown;                    // those not listed
  std::vector<std::string> problems;  // why lines may be missing from it
  std::string to_see_a_start;         // what to do when it holds none: "try a longer --since"
  std::string to_see_texts;           // what to do when it leaves out messages
};

// Of a journal's file that was read; without what its survey says.
Source source_of(const std::string& path, const journal::ReadReport& read);

enum class Verdict { same, differs, unproven };
std::string_view to_string(Verdict verdict);

Verdict judge(const Source& source, const std::deque<Invocation>& invocations);
// Why it is unproven, or why what it says may not be all; each with what to do.
std::vector<std::string> doubts(const Source& source, const std::deque<Invocation>& invocations);

}  // namespace harness::drift
