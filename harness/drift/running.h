// One invocation, from its first line on. For the survey alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/drift/fit.h"
#include "harness/drift/text.h"

namespace harness::drift {

// Lines are held back until the build is known, since that decides which windows are expected.
class Running {
 public:
  // Both must outlive it; it adds to `names` what the service calls its node.
  Running(const Packs& packs, Names& names, const journal::Entry& first);

  const std::string& id() const { return out_.id; }

  void feed(const journal::Entry& entry);
  // Here an entry may have been that nobody could read.
  void lose();
  Invocation finish();

 private:
  // A line without explanation; `sure`: some window was open, and no gap says that it may not be.
  struct Strange {
    Unexplained line;
    bool sure = false;
  };

  void decide();
  void judge(const journal::Entry& entry);
  void judge_gap();
  void judge_own(const ReadLine& read);
  void note_begin(const journal::Entry& entry);
  void explain(const ReadLine& read, bool sure);
  void settle_texts();
  void find_best_pack();

  const Packs& packs_;
  Names& names_;
  Invocation out_;
  bool decided_ = false;
  bool pack_known_ = false;
  bool panicked_ = false;
  std::optional<StartKind> kind_;  // none: the service has not said
  std::uint64_t own_lines_ = 0;    // of the service's process
  std::uint64_t known_lines_ = 0;  // of those, in a form that markers are held against
  std::vector<std::optional<journal::Entry>> held_;  // none: a gap
  std::unique_ptr<Follower> chosen_;
  std::vector<std::pair<std::string, Follower>> all_;
  std::vector<Strange> strange_;
  std::map<std::string, std::size_t> texts_;  // as they came, without digits: where in strange_
  std::uint64_t unsure_more_ = 0;             // lines that found no place there
};

}  // namespace harness::drift
