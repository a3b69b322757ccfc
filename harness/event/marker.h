// A marker: one fact about a node that opens or closes a window. Data in window packs and in the
// guard's records; matched on the node by the guard, and on the controller when events are read
// again.
//
//   {log: "Pod for * not synced (*), retrying", level: info}   a line of the service's own process
//   {systemd: "Starting rke2-server.service*"}                  systemd's own line about the unit
//   {manifest: removed, file: kube-apiserver.yaml}              written | removed
//   {container: started, pod: etcd}                             started | exited; the static pod's
//   {container: exited, pod: "helm-install-*"}                  with `*`: the name of any pod
//   {process: exited, name: kubelet}                            started | exited; rke2 | containerd
//                                                               | kubelet, which have no unit
//   {unit: active}                                              the unit's ActiveState became this
//   {tcp: answers, port: 9345}                                  answers | refuses; a listener came
//                                                               or went
//   {http: "http://127.0.0.1:10248/healthz", status: 200}       the answer to GET became this
//
// `log` is held against the whole message as logrus wrote it, `*` standing for any run of
// characters. Lines of klog, of the etcd client, of panics, and lines of other processes never
// match, whatever they say.
//
// `http` is plain HTTP on the node's loopback: the guard has no TLS, so https is refused here.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace harness::event {

struct Marker {
  enum class Kind { log, systemd, manifest, container, unit, process, tcp, http };
  Kind kind = Kind::log;
  std::string text;    // the glob of log and systemd; the URL of http; the op of the others
  std::string level;   // log only; empty: any
  std::string object;  // manifest: file; container: pod; process: name; tcp: port; http: status

  bool operator==(const Marker&) const = default;
};

// invalid_input says what is wrong; unknown keys are errors.
Result<Marker> marker_from_json(const Json& json);
Json to_json(const Marker& marker);
// For messages: log "Pod for etcd is synced".
std::string describe(const Marker& marker);

// `fact` is one line of the guard's watch stream.
bool matches(const Marker& marker, const Json& fact);

// Where an http marker asks; invalid_input for anything but http://127.0.0.1:PORT/PATH.
struct LoopbackUrl {
  int port = 0;
  std::string path;

  static Result<LoopbackUrl> parse(std::string_view text);
};

// Anchored at both ends; `*` is any run of characters.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace harness::event
