// The guard's own records as they change, as facts `fault`. A record is parsed again only when one
// of its files changed; those that were finished before the watching began are not told.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/guard/file_watch.h"
#include "harness/guard/store.h"

namespace harness::guard {

class RecordWatch {
 public:
  explicit RecordWatch(const Store& store) : store_(store) {}

  void poll(const Take& take);

  // How many records were read so far.
  std::uint64_t parsed() const { return parsed_; }

 private:
  struct Seen {
    std::string version;
    std::string progress;
  };

  void look(const std::string& id, const Take& take);

  const Store& store_;
  std::map<std::string, Seen> seen_;
  std::uint64_t parsed_ = 0;
};

}  // namespace harness::guard
