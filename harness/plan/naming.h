// One name for each cell of the matrix, and no two cells of one name.
#pragma once

#include <map>
#include <set>
#include <string>

#include "harness/plan/plan.h"
#include "harness/yaml/reader.h"

namespace harness::plan {

// Marks the suite's faults that values alone do not tell apart.
void tell_apart(Suite& suite);

// Where a suite says of what a cell is made.
struct Written {
  const Suite& suite;
  const Path& path;
  const OffsetChoice& offset;
};

// What the names of a plan stand for.
class Names {
 public:
  // False, and a problem at what differs: the name stands for another cell already.
  bool take(const Written& from, const Case& cell, yaml::Problems& problems);

 private:
  struct Said {
    Json what;
    Place place;
  };

  struct Meaning {
    std::string file;
    Said expectation;
    Said offset;
    Said rest;
  };

  static Meaning meaning_of(const Written& from, const Case& cell);

  std::map<std::string, Meaning> taken_;
  std::set<std::string> told_;
};

}  // namespace harness::plan
