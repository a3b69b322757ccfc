// Turns events into a trial's facts, one after the other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/check/facts.h"
#include "harness/event/marker.h"

namespace harness::check {

class Gatherer {
 public:
  TrialFacts gather(const std::vector<Json>& events);

 private:
  // gather.cc: the trial, its nodes and what they told. gather_fault.cc: windows and faults.
  void take(const std::string& type, const Json& event);
  void start(const Json& event);
  void step(const Json& event, bool finished);
  void window(const Json& event);
  void companion(const Json& planned);
  void openings(const Json& planned);
  void still_open(const Json& event);
  void fault(const Json& event);
  void boot(const std::string& type, const Json& event);
  void powers();
  void probe(const Json& event);
  void container(const Json& event);
  void manifest(const Json& event);

  TrialFacts facts_;
  std::map<std::string, std::string> details_;
  std::map<std::string, Json> powers_;  // by the fault's record; an empty id: the first fault's
  std::string first_record_;
  std::map<std::string, std::vector<event::Marker>> openings_;  // of the windows that were aimed at
};

// When an event was written, controller's clock; 0: it does not say.
std::int64_t at_us(const Json& event);
// systemctl and the kernel write boot ids with and without dashes.
std::string boot_of(const Json& event, const char* key = "boot_id");

}  // namespace harness::check
