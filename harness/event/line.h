// One line of a node's journal, taken apart. Lines come in many shapes (logrus text, logrus for
// terminals, JSON, klog, multi-line Go panics, plain text); what is common to them is a level and a
// message.
//
// Safe on any bytes: never throws, never reads outside, an unknown shape is `plain` with the whole
// line as its message. Source of the shapes: RKE2 and k3s log through logrus, etcd's client through
// zap, controllers through klog.
#pragma once

#include <string>
#include <string_view>

namespace harness::event {

enum class Shape {
  logrus,           // time="..." level=info msg="..." k=v, in any order of keys
  logrus_terminal,  // INFO[0012] message   k=v
  logrus_json,      // {"level":"info","msg":"...","time":"..."} without logger or caller
  zap,              // {"level":"warn","logger":"etcd-client","caller":"...","msg":"..."}
  klog,             // I0516 09:07:39.123456    4711 file.go:12] message
  panic,            // panic: message, fatal error: message
  trace,            // goroutine 1 [running]:, and the frames below it
  plain,
};

struct Line {
  Shape shape = Shape::plain;
  std::string level;  // debug, info, warning, error, fatal, panic; empty when the shape has none
  std::string msg;    // unescaped
  bool truncated = false;  // a quoted message without its end: cut by a limit or a pager
};

// `raw` is the MESSAGE of an entry, or a line of a file with a journalctl prefix ("May 16 09:07:39
// host rke2[123]: "), which is skipped.
Line parse_line(std::string_view raw);

}  // namespace harness::event
