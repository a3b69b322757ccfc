// What hookshot and its node-side guard say to each other.
//
// The remote command line is always `/var/lib/hookshot/guard <verb>`, a constant. The verb takes
// one JSON object on standard input and writes JSON lines; the last is {"type":"done"} or
// {"type":"error","code","message"}. Exit statuses are GuardExit. Every record names the cluster;
// verbs that arm, undo, lease or release demand that /etc/hookshot.allow holds exactly that name.
// exec does not: the controller reads a node with it before the node is marked, and holds its own
// rule on what it may run. Both sides validate: the guard trusts nobody.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/base/time.h"
#include "harness/event/marker.h"

namespace harness::guard {

inline constexpr std::string_view kGuardPath = "/var/lib/hookshot/guard";
inline constexpr std::string_view kStateDir = "/var/lib/hookshot";
inline constexpr std::string_view kRunDir = "/run/hookshot";
inline constexpr std::string_view kAllowFile = "/etc/hookshot.allow";
// In what a revert says of a file that is not ours to put back any more.
inline constexpr const char* kWrittenAnew = " was written anew by somebody else";

// Verbs that the controller may ask for; trigger, boot, expire and hog are run by systemd on the
// node itself.
inline constexpr std::array<std::string_view, 18> kVerbs = {"facts",
                                                            "allow",
                                                            "disallow",
                                                            "exec",
                                                            "read",
                                                            "watch",
                                                            "arm",
                                                            "heartbeat",
                                                            "go",
                                                            "moment",
                                                            "status",
                                                            "revert",
                                                            "heal",
                                                            "lease-acquire",
                                                            "lease-renew",
                                                            "lease-release",
                                                            "clean",
                                                            "release"};

enum class GuardExit { done = 0, failed = 1, invalid = 2, refused = 3, internal = 4 };

struct Action {
  enum class Kind {
    none,
    kill,
    reboot,
    freeze,
    service,
    slow,
    child,
    manifest,
    delay,
    burn,
    memory,
    fill,
    throttle,
    clock,
    certificate,
    partition,
    dns,
    registry,
    netem
  };
  Kind kind = Kind::none;
  std::string pod = {};  // etcd, kube-apiserver, kube-controller-manager, kube-scheduler
  std::string how = {};  // in the words of its kind (action_form.cc); slow: percent of a core
  std::chrono::milliseconds hold{0};  // taken back after it; 0 for what is over at once
  std::string object = {};            // "what": what it is done to, where that is no pod
  std::map<std::string, std::int64_t> amounts = {};  // by key, each with its unit in it
  std::string direction = {};                        // both, in, out; as seen from the node
  std::vector<std::string> addresses = {};           // the other nodes', in their usual form
  std::string host = {};                             // name or address, and perhaps a port
};

struct Trigger {
  bool now = false;  // fire at once; the rest is then empty
  bool go = false;   // at the verb `go`; `window` then only tells what the controller waits for
  std::string window;
  std::vector<event::Marker> open;
  std::vector<event::Marker> close;
  Microseconds offset{0};
  bool next_boot = false;  // "boot": "next": sleeps until the node boots, and for one boot only
  bool any_invocation = false;  // also in the invocation that is running while arming
};

struct ArmRecord {
  std::string id;
  std::string run;
  std::string case_name;
  std::string cluster;
  std::string unit;
  std::string data_dir;
  std::string fault;
  Json params = Json::object();  // for the record; the guard acts on `action` alone
  Action action;
  Trigger trigger;
  std::chrono::milliseconds ttl{0};
  std::chrono::milliseconds lease{0};
};

Result<ArmRecord> arm_record_from_json(const Json& json);
Json to_json(const ArmRecord& record);
// One line of JSON; a byte that is no UTF-8 is replaced, never an exception.
std::string text_of(const Json& json);

// The small languages that fields are held to. invalid_input names the field and what it takes.
Status check_id(std::string_view field, std::string_view text);  // [a-z0-9-], 1 to 64
Status check_cluster(std::string_view text);                     // [A-Za-z0-9._-], 1 to 64
Status check_unit(std::string_view text);  // rke2-server.service, rke2-agent.service
Status check_path(std::string_view field,
                  std::string_view text);  // absolute, normal, no control characters
bool known_verb(std::string_view verb);

}  // namespace harness::guard
