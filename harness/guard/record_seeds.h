// Records to begin the fuzzing with, made from the table of actions, so that none is left out.
#pragma once

#include <string>
#include <vector>

namespace harness::guard {

struct RecordSeed {
  std::string name;    // action-<do>, or action-<do>-<how>
  std::string action;  // <do>
  std::string bytes;
};

// One for each way of each action; the guard takes all of them.
std::vector<RecordSeed> record_seeds();

// The words of records as a dictionary of libFuzzer.
std::string record_dictionary();

}  // namespace harness::guard
