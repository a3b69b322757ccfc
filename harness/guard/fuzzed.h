// What fuzzing gives the guard's readers: input of any content. libFuzzer makes it up
// (fuzz_entry.cc, scripts/fuzz); the corpus in fuzz/ and what is mutated of it come by in every
// test run (fuzz_corpus_test.cc).
#pragma once

#include <string>
#include <string_view>

namespace harness::guard {

// What a reader did that it must not, in words; empty: nothing. A crash or a hang speaks for
// itself.
//
// A journal file. Its first byte says where the file ends when the reader begins, in parts of 256,
// and whether it is an archived one beside it. It is written to a folder of the process's own.
std::string fuzzed_journal(std::string_view input);
// A record as it arrives at the guard: what is taken is written as it was read.
std::string fuzzed_record(std::string_view input);

}  // namespace harness::guard
