// What a fault is: a name, typed parameters, and a pure function from parameters to the record that
// the guard carries out, undoes and proves.
//
// A fault touches no node itself and judges nothing. The guard validates the record again on its
// side. Evidence comes back in the guard's record; an injection without evidence is an error of the
// harness, never a pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::fault {

using Params = std::map<std::string, std::string, std::less<>>;

enum class ParamType { choice, duration, integer, host };
std::string_view to_string(ParamType type);

struct ParamSpec {
  std::string_view name;
  ParamType type = ParamType::choice;
  std::string_view fallback;  // the default; empty: the parameter must be given
  std::vector<std::string_view> choices;
  std::string_view unit;  // for integers, e.g. "bytes"
  std::string_view summary;
  // Of integers in their unit, of durations in milliseconds; both 0: any.
  std::int64_t least = 0;
  std::int64_t most = 0;
};

// What the damage budget must know beforehand.
struct Needs {
  int etcd_voters = 0;      // voters of the target that stop serving for a while
  int servers_down = 0;     // servers whose control plane stops serving
  bool reboots = false;     // the connection will be lost, and the boot id changes
  bool power = false;       // the controller cuts it, by the inventory's commands
  bool harmless = false;    // needs no expendable cluster
  bool fills_disk = false;  // whether it may be the root filesystem is said when it is armed
  // Addresses of other nodes, which are known only when it is armed.
  enum class Peers { none, etcd, nodes };
  Peers peers = Peers::none;
};

// A fault with its parameters filled in.
struct Fault {
  std::string name;
  Params params;  // complete: defaults included
  Json action;    // {"do": "...", ...} as the guard takes it
  Json undo = Json::array();
  Needs needs;

  // "kill-pod pod=etcd how=task"
  std::string describe() const;
};

struct FaultSpec {
  std::string_view name;     // what suites write: verb-object
  std::string_view summary;  // one line
  std::vector<ParamSpec> params;
  // In words, and none of them empty but the notes.
  std::string_view mechanism;  // how it is done
  std::string_view blast_radius;
  std::string_view rke2_itself;      // what RKE2 does about it without us
  std::string_view survives_reboot;  // what of it
  std::string_view undo;             // what takes it back
  std::string_view evidence;         // what proves it
  // Windows that it is in force in last longer: the guard's evidence says `stretched`.
  bool stretches = false;
  std::string_view notes;  // further paragraphs of `fault show`; may be empty
  // Gets complete, validated parameters.
  std::function<Fault(const Params&)> make;
};

// Defining one of these at the foot of a .cc file is all it takes to exist. A second fault of the
// same name ends the program at start, with the name.
class FaultRegistration {
 public:
  explicit FaultRegistration(FaultSpec spec);
};

// All faults, by name.
const std::map<std::string_view, FaultSpec>& registry();

// Fills in defaults and checks every value; invalid_input names the fault, the parameter and what
// it takes. Nothing that is not in a parameter's own small language gets through.
Result<Params> complete(const FaultSpec& spec, const Params& given);
// Looks the fault up, completes its parameters and makes it.
Result<Fault> make_fault(std::string_view name, const Params& given);
// "k=v" words of the command line.
Result<Params> parse_params(const std::vector<std::string>& words);

// The page of `fault show`, and the rows of faults/README.md.
std::string show(const FaultSpec& spec);
std::string catalogue_markdown();

}  // namespace harness::fault
